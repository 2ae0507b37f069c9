"""The standing sentences of the auditor's page, by key, in both languages; as `reports.phrases` for the others."""

from collections.abc import Mapping

from journal.wording import Wording

AUDITOR_PHRASES: Mapping[str, Wording] = {
    "transfers_title": Wording(ru="Передачи персональных данных на портал", en="Disclosures to the portal"),
    "transfers_intro": Wording(
        ru="Здесь каждый пакет, который мост передал или собирался передать: сколько записей, учеников и учётных "
        "записей родителей он касается. Числа взяты из учёта моста; доказывают их записи журнала аудита, номера "
        "которых стоят в каждой строке. Там же основания по каждому ученику: связь, согласие, учётная запись.",
        en="Here is each batch that the bridge handed to the portal or was about to: how many records, students and "
        "parents' accounts it concerns. The numbers are from the bridge's own books; what proves them is the audit "
        "log's entries, whose numbers stand in each row. There are the grounds for each student too: link, consent, "
        "account.",
    ),
    "opaque": Wording(
        ru="На странице нет имён, отметок и адресов: только числа и случайные номера, которые вне моста ничего не "
        "значат.",
        en="There are no names, marks or addresses on this page: only numbers and random ids that mean nothing "
        "outside the bridge.",
    ),
    "period": Wording(ru="Период: с {since} по {until}", en="Period: {since} to {until}"),
    "log": Wording(ru="Журнал аудита", en="Audit log"),
    "log_ok": Wording(ru="проверен, не изменён", en="verified, unchanged"),
    "log_bad": Wording(ru="проверка не пройдена", en="verification failed"),
    "log_unchecked": Wording(ru="не проверялся", en="not verified"),
    "log_ok_text": Wording(
        ru="Все записи, дерево хешей и подпись пересчитаны и совпадают.",
        en="All entries, the hash tree and the signature were recomputed and agree.",
    ),
    "log_bad_text": Wording(
        ru="Журнал повреждён или изменён. До выяснения не опирайтесь на эту страницу; мост в таком состоянии ничего "
        "не передаёт. Сохраните копию журнала и сообщите ответственному за защиту данных.",
        en="The log is damaged or was changed. Do not rely on this page until that is cleared up; the bridge sends "
        "nothing in this state. Keep a copy of the log and tell whoever is responsible for data protection.",
    ),
    "log_unchecked_text": Wording(
        ru="Перед тем как опираться на страницу, проверьте журнал командой, указанной ниже.",
        en="Verify the log with the command below before you rely on this page.",
    ),
    "log_checked_at": Wording(ru="Когда проверяли", en="Checked at"),
    "log_read_at": Wording(ru="Когда прочитано", en="Read at"),
    "log_origin": Wording(ru="Имя журнала", en="Name of the log"),
    "log_size": Wording(ru="Число записей", en="Entries"),
    "log_root": Wording(ru="Корень дерева (SHA-256, Base64)", en="Root of the tree (SHA-256, Base64)"),
    "log_key": Wording(ru="Ключ проверки", en="Verifier key"),
    "log_problems": Wording(ru="Что нашла проверка", en="What the check found"),
    "log_command": Wording(
        ru="Проверить самостоятельно, без базы моста, по копии папки журнала:",
        en="To verify it yourself, without the bridge's database, from a copy of the log's folder:",
    ),
    "log_folder": Wording(ru="ПАПКА", en="FOLDER"),
    "log_key_advice": Wording(
        ru="Ключ берите не с этой страницы, а из источника, которому доверяете, и сравните с ней.",
        en="Take the key from a source that you trust, not from this page, and compare the two.",
    ),
    "totals": Wording(ru="По школам", en="By school"),
    "totals_caption": Wording(ru="Принятые порталом пакеты", en="Batches that the portal took"),
    "batches": Wording(ru="Пакетов", en="Batches"),
    "published": Wording(ru="Записей передано", en="Records sent"),
    "withdrawn_records": Wording(ru="Записей отозвано", en="Records taken back"),
    "unfinished": Wording(ru="Не принято или неизвестно", en="Not taken or unknown"),
    "totals_note": Wording(
        ru="Ученики и учётные записи повторяются в разных пакетах, поэтому не складываются.",
        en="Students and accounts recur from batch to batch, so they are not added up.",
    ),
    "list": Wording(ru="Передачи", en="Transfers"),
    "list_caption": Wording(ru="Передачи по времени, время: {zone}", en="Transfers by time, clock: {zone}"),
    "list_empty": Wording(ru="За этот период передач не было.", en="There were no transfers in this period."),
    "time": Wording(ru="Время", en="Time"),
    "batch": Wording(ru="Пакет", en="Batch"),
    "receipt": Wording(ru="Квитанция портала", en="Portal's receipt"),
    "students": Wording(ru="Учеников", en="Students"),
    "accounts": Wording(ru="Учётных записей", en="Accounts"),
    "outcome": Wording(ru="Исход", en="Outcome"),
    "outcome_taken": Wording(ru="принят", en="taken"),
    "outcome_not-taken": Wording(ru="не дошёл до портала", en="did not reach the portal"),
    "outcome_refused": Wording(ru="отвергнут порталом", en="refused by the portal"),
    "outcome_open": Wording(ru="ещё не известен", en="not known yet"),
    "log_entries": Wording(ru="Записи аудита", en="Log entries"),
}
