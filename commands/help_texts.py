"""The help of the command line, in both languages."""

from collections.abc import Mapping

from journal.wording import Language, Wording


def help_language(environment: Mapping[str, str]) -> Language:
    """Return the language of help: the terminal's, as LC_ALL, LC_MESSAGES or LANG name it; else Russian."""
    named = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return Language.EN if named.lower().startswith("en") else Language.RU


HELP: Mapping[str, Wording] = {
    "dnevnik": Wording(
        ru="Передаёт отметки школьных журналов на портал — только с согласия родителей — и доказывает каждую передачу.",
        en="Carries marks from school journals to the portal, with parents' consent only, and can prove each transfer.",
    ),
    "config": Wording(
        ru="файл установки (иначе DNEVNIK_CONFIG, иначе ./bridge.toml)",
        en="the installation's file (else DNEVNIK_CONFIG, else ./bridge.toml)",
    ),
    "schools": Wording(ru="коды школ; без них — все", en="codes of schools; none: all"),
    "json": Wording(ru="один документ JSON вместо таблицы", en="one JSON document instead of a table"),
    "init": Wording(
        ru="Создать файл установки, ключи, запросы на сертификаты, базу; ничего не перезаписывает.",
        en="Write the installation's file, keys, certificate requests, database; overwrites nothing.",
    ),
    "check": Wording(
        ru="Проверить базы школ, портал, сертификаты, часы, ключи: строка на каждое, со средством.",
        en="Check the schools' databases, portal, certificates, clock, keys: a line each, with the remedy.",
    ),
    "registry": Wording(ru="Заявления, связи и согласия родителей.", en="Parents' applications, links and consents."),
    "registry-import": Wording(
        ru="Принять реестр (CSV или XLSX) целиком или не принять вовсе.",
        en="Take a register (CSV or XLSX), whole or not at all.",
    ),
    "register-file": Wording(ru="файл реестра", en="the register's file"),
    "dry-run": Wording(ru="только проверить, ничего не записывать", en="only check it, record nothing"),
    "registry-withdraw": Wording(ru="Записать отзыв согласия.", en="Record the withdrawal of a consent."),
    "registry-list": Wording(ru="Перечислить связи без имён.", en="List the links without names."),
    "registry-export": Wording(
        ru="Записать реестр файлом (CSV или XLSX), с именами; доступ 0600.",
        en="Write the registry as a file (CSV or XLSX), with names; mode 0600.",
    ),
    "registry-state": Wording(
        ru="Показать, у каких связей есть основание, на любой момент и по сведениям на любой момент.",
        en="Show which links have a ground, at any moment, as known at any moment.",
    ),
    "registry-explain": Wording(
        ru="Объяснить, почему запись передаётся или нет.", en="Explain why a record is sent or withheld."
    ),
    "registry-history": Wording(
        ru="Показать всё, что записано о связях ученика, без имён семьи.",
        en="Show all that was recorded of a student's links, without the family's names.",
    ),
    "registry-consent": Wording(ru="Записать подписанное согласие.", en="Record a signed consent."),
    "registry-scan": Wording(
        ru="Сохранить скан последнего согласия (PDF, JPEG, PNG), зашифрованным.",
        en="Keep the scan of the newest consent (PDF, JPEG, PNG), encrypted.",
    ),
    "registry-register-consent": Wording(
        ru="Зарегистрировать внесённые согласия связи.", en="Register the consents of a link that wait for it."
    ),
    "registry-restrict": Wording(
        ru="Записать ограничение доступа родителя (решение суда).",
        en="Record that a parent's access is restricted (by a court).",
    ),
    "registry-lift": Wording(ru="Снять ограничения с указанного дня.", en="Lift the restrictions from a day on."),
    "registry-end": Wording(ru="Прекратить связь.", en="End a link."),
    "export-file": Wording(ru="новый файл: имя.csv или имя.xlsx", en="a new file: name.csv or name.xlsx"),
    "force": Wording(ru="заменить файл, если он есть", en="replace the file, if there is one"),
    "by": Wording(
        ru="кто действует, если не тот, от чьего имени запущена программа",
        en="who acts, if not the account that runs the program",
    ),
    "reason": Wording(
        ru="основание отзыва, если он датирован прошедшим; хранится зашифрованным; - спросить",
        en="why it is dated back; kept encrypted; -: ask for it",
    ),
    "document": Wording(
        ru="документ об ограничении; хранится зашифрованным; - спросить",
        en="the document; kept encrypted; -: ask for it",
    ),
    "restrict-from": Wording(ru="первый день, например 2026-11-02", en="the first day, like 2026-11-02"),
    "restrict-to": Wording(ru="последний день; без него бессрочно", en="the last day; else open"),
    "lift-from": Wording(
        ru="с какого дня ограничений нет, например 2026-11-02", en="the day from which none holds, like 2026-11-02"
    ),
    "why": Wording(
        ru="guardianship-ended (опека прекращена) или registered-in-error (по ошибке)",
        en="guardianship-ended or registered-in-error",
    ),
    "text-version": Wording(ru="версия текста согласия, например 2025-09", en="the text's version, like 2025-09"),
    "signed": Wording(ru="день подписи, например 2026-09-03", en="the day of signing, like 2026-09-03"),
    "in-force": Wording(
        ru="действует с/по, например 2026-09-04/2027-08-31; без второго дня бессрочно",
        en="in force from/to, like 2026-09-04/2027-08-31; without the second day: open",
    ),
    "records": Wording(
        ru="записи журнала с/по, например 2026-09-01/2027-05-31",
        en="journal records from/to, like 2026-09-01/2027-05-31",
    ),
    "kinds": Wording(
        ru='виды записей, например "current period"; без этого все',
        en='kinds of records, like "current period"; else all',
    ),
    "confirm": Wording(
        ru="что есть на подписанной бумаге, например student-address; можно несколько",
        en="what is on the signed paper, like student-address; may be repeated",
    ),
    "confirm-all": Wording(ru="на бумаге есть всё, чего требует закон", en="the paper has all that the law demands"),
    "scan-file": Wording(ru="файл скана, до 20 МиБ", en="the scan's file, 20 MiB at most"),
    "look-at": Wording(
        ru="на какой момент, например 2026-11-02 или 2026-11-02T08:00:00+03:00; без этого сейчас",
        en="at which moment, like 2026-11-02 or 2026-11-02T08:00:00+03:00; else now",
    ),
    "known-at": Wording(
        ru="по сведениям на какой момент; без этого по всем", en="as known at which moment; else all that is known"
    ),
    "record": Wording(ru="номер записи на портале", en="the record's id at the portal"),
    "kind": Wording(ru="вид записи, например current", en="the record's kind, like current"),
    "date": Wording(ru="дата записи, например 2026-11-02", en="the record's date, like 2026-11-02"),
    "pilot": Wording(
        ru="Опытная эксплуатация: показать классы, этапы и охват (без команды) или перевести класс.",
        en="The pilot: show classes, stages and coverage (without a command), or move a class.",
    ),
    "pilot-schools": Wording(ru="код школы; без этого все", en="the school's code; else all"),
    "pilot-move": Wording(
        ru="Перевести класс или школу на этап prepare, pilot или regular.",
        en="Move a class or school to a stage: prepare, pilot or regular.",
    ),
    "class-and-stage": Wording(ru="класс и этап, например 5А pilot", en="class and stage, like 5А pilot"),
    "whole-school": Wording(
        ru="все классы без собственного этапа (тогда без класса)",
        en="all classes without a stage of their own (then without CLASS)",
    ),
    "pilot-from": Wording(ru="с какого дня; без этого с сегодняшнего", en="from which day; else today"),
    "pilot-to": Wording(ru="по какой день; без этого бессрочно", en="to which day; else open"),
    "witness": Wording(
        ru="Свидетель чужих журналов аудита; ставится у другой организации.",
        en="A witness of other people's audit logs; another organisation runs it.",
    ),
    "witness-init": Wording(
        ru="Создать ключ свидетеля и записать, чьи журналы он заверяет.",
        en="Make a witness's key and write down whose logs it cosigns.",
    ),
    "witness-drop-key": Wording(
        ru="Навсегда отказаться от ключа журнала: он украден или отозван.",
        en="Refuse a log's key for good: it was stolen or revoked.",
    ),
    "witness-dropped": Wording(
        ru="ключ проверки журнала, который больше не принимать", en="the log's verifier key that is to be refused"
    ),
    "witness-show": Wording(
        ru="Показать ключ проверки свидетеля и что он заверил.",
        en="Show the witness's verifier key and what it cosigned.",
    ),
    "witness-serve": Wording(ru="Заверять журналы, пока не остановят.", en="Cosign logs until stopped."),
    "witness-folder": Wording(ru="папка свидетеля", en="the witness's folder"),
    "witness-name": Wording(
        ru="имя свидетеля, как адрес без https://, например komitet.example/svidetel",
        en="the witness's name, like a URL without https://, such as committee.example/witness",
    ),
    "witness-log-key": Wording(ru="ключ проверки журнала, можно несколько", en="a log's verifier key; may be repeated"),
    "witness-listen": Wording(ru="адрес и порт", en="address and port"),
    "witness-certificate": Wording(
        ru="сертификат и ключ TLS в одном файле PEM; без него — открытый HTTP за своим прокси",
        en="TLS certificate and key in one PEM file; without it plain HTTP, behind a proxy of yours",
    ),
    "actuality": Wording(
        ru="Показать, какая доля уроков заполнена вовремя, с формулой и уроками.",
        en="Show what share of lessons was filled in in time, with its formula and lessons.",
    ),
    "actuality-as-of": Wording(ru="на какой день, не позже сегодняшнего", en="of which day, today at the latest"),
    "actuality-by": Wording(
        ru="по чему: school, class, subject, teacher, week", en="by what: school, class, subject, teacher, week"
    ),
    "actuality-list": Wording(
        ru="показать уроки, не заполненные в срок", en="show the lessons that were not filled in in time"
    ),
    "actuality-lessons": Wording(ru="записать все уроки в новый файл CSV", en="write all lessons into a new CSV file"),
    "profile": Wording(
        ru="Как читается база школы: проверить профиль, составить новый.",
        en="How a school's database is read: check a profile, begin a new one.",
    ),
    "profile-check": Wording(
        ru="Выполнить все запросы профиля на базе школы и показать, что получается; имён не показывает.",
        en="Run all of a profile's queries on a school's database and show what comes of it; names nobody.",
    ),
    "profile-new": Wording(
        ru="Записать заготовку профиля по таблицам базы; ничего не перезаписывает.",
        en="Write a profile's skeleton from a database's tables; overwrites nothing.",
    ),
    "profile-other": Wording(ru="другой профиль, не тот, что у школы", en="another profile than the school's own"),
    "profile-folder": Wording(
        ru="папка профилей (иначе mappings/ самой программы)",
        en="the folder of profiles (else the program's mappings/)",
    ),
    "profile-name": Wording(ru="имя нового профиля", en="the new profile's name"),
    "profile-url": Wording(
        ru="адрес базы: URL SQLAlchemy, odbc:…, file:школа.fdb",
        en="the database: SQLAlchemy URL, odbc:…, file:school.fdb",
    ),
    "profile-password": Wording(ru="пароль: env:ИМЯ или file:ПУТЬ", en="the password: env:NAME or file:PATH"),
    "keys": Wording(ru="Ключи установки.", en="The installation's keys."),
    "keys-rotate-master": Wording(
        ru="Сменить главный ключ; закрытые данные открываются как прежде.",
        en="Rotate the master key; what is sealed opens as before.",
    ),
    "school": Wording(ru="код школы", en="the school's code"),
    "student": Wording(ru="номер ученика в базе школы", en="the student's id in the school's database"),
    "account": Wording(ru="учётная запись родителя на портале", en="the parent's account at the portal"),
    "at": Wording(
        ru="когда отозвано, например 2026-11-02 08:00; без этого — сейчас",
        en="when it was withdrawn, like 2026-11-02 08:00; else now",
    ),
    "end-at": Wording(
        ru="когда прекращена связь, например 2026-11-02 08:00; без этого — сейчас",
        en="when the link ended, like 2026-11-02 08:00; else now",
    ),
    "plan": Wording(
        ru="Показать, что изменила бы передача; ничего не отправляет.",
        en="Show what a sync would change; sends nothing.",
    ),
    "sync": Wording(
        ru="Привести портал к тому, что он должен показывать.", en="Bring the portal to what it should hold."
    ),
    "full": Wording(ru="прочитать и неизменившиеся журналы", en="read also the journals that did not change"),
    "with-prefect": Wording(
        ru="движком Prefect или без него; само: с ним, если задан PREFECT_API_URL",
        en="by Prefect's engine or without; by itself: with it, if PREFECT_API_URL is set",
    ),
    "sweep": Wording(
        ru="Снять с портала то, что потеряло основание, не читая школ.",
        en="Take back what lost its ground, without reading the schools.",
    ),
    "reconcile": Wording(
        ru="Сверить записи портала с учётом моста и исправить.",
        en="Hold the portal's holdings against the ledger, and mend.",
    ),
    "findings": Wording(
        ru="Прочитать школы и показать, что в журналах не так: сколько, что это значит, что делать, где.",
        en="Read the schools and show what is wrong in the journals: how much, what it means, what to do, where.",
    ),
    "findings-csv": Wording(
        ru="записать все находки таблицей, по строке на каждую, без имён",
        en="write all findings as a table, a line each, without names",
    ),
    "report": Wording(ru="Показать итоги последних передач.", en="Show what came of the newest runs."),
    "html": Wording(
        ru="записать страницы для школ и аудитора в эту папку",
        en="write pages for schools and auditor into this folder",
    ),
    "plan-out": Wording(
        ru="записать план в этот файл: sync --plan исполнит точно его",
        en="write the plan into this file: sync --plan carries out exactly that",
    ),
    "sync-plan": Wording(
        ru="исполнить точно этот план или отказаться, если мир изменился (без Prefect)",
        en="do exactly this plan, or refuse if the world has changed (without Prefect)",
    ),
    "delivery": Wording(ru="Недоставленное и что с ним делать.", en="What was not delivered, and what to do about it."),
    "delivery-list": Wording(
        ru="Показать пакеты без исхода, отказы портала, отклонённые записи и связи.",
        en="Show batches without an outcome, the portal's refusals, rejected records and links.",
    ),
    "delivery-retry": Wording(
        ru="Разрешить отклонённым записям уйти снова; отправит sync.",
        en="Let rejected records be sent again; sync sends them.",
    ),
    "delivery-all": Wording(ru="все отклонённые записи школы", en="all rejected records of the school"),
    "delivery-discard": Wording(
        ru="Не напоминать об отклонённой записи, пока она не изменится.",
        en="Tell of a rejected record no more until it changes.",
    ),
    "hold": Wording(ru="Планы, которые ждут решения человека.", en="Plans that wait for a person's word."),
    "hold-list": Wording(ru="Перечислить ждущие планы.", en="List the plans that wait."),
    "hold-plan": Wording(
        ru="номер плана из hold list, можно начало", en="the plan's number in hold list, or its beginning"
    ),
    "hold-approve": Wording(ru="Разрешить план; его исполнит sync.", en="Approve a plan; sync carries it out."),
    "hold-discard": Wording(ru="Отклонить план.", en="Discard a plan."),
    "audit": Wording(ru="Журнал аудита.", en="The audit log."),
    "audit-verify": Wording(
        ru="Пересчитать журнал целиком; не нужны ни база, ни Prefect.",
        en="Recompute the whole log; needs no database and no Prefect.",
    ),
    "log": Wording(
        ru="папка или адрес журнала, или пакет .zip; без него — свой журнал",
        en="the log's folder or URL, or a package .zip; else the installation's own log",
    ),
    "key": Wording(ru="ключ проверки строкой (показывает init)", en="the verifier key as a line (init shows it)"),
    "evidence-against": Wording(
        ru="весь журнал: не опущено ли в пакете что-нибудь", en="the whole log: is anything left out of the package"
    ),
    "evidence-witness": Wording(
        ru="ключ свидетеля, которому вы верите, строкой; можно несколько; без него — из [audit] witness_keys",
        en="the key line of a witness whom you trust; may be repeated; else those of [audit] witness_keys",
    ),
    "evidence-quorum": Wording(
        ru="сколько таких свидетелей должны были подписать, иначе отказ",
        en="how many such witnesses must have signed, or it is refused",
    ),
    "audit-evidence": Wording(
        ru="Собрать доказательства об ученике: записи журнала с доказательствами, отметка, согласия, PDF и CSV.",
        en="Pack the evidence of one student: log entries with proofs, checkpoint, consents, PDF and CSV.",
    ),
    "evidence-from": Wording(ru="первый день срока", en="the span's first day"),
    "evidence-to": Wording(ru="последний день срока", en="the span's last day"),
    "evidence-out": Wording(ru="новый файл .zip", en="a new file .zip"),
    "evidence-names": Wording(ru="с именами; нужен и --by", en="with names; needs --by as well"),
    "evidence-earlier": Wording(
        ru="прежняя отметка: показать, что журнал её продолжает", en="an earlier checkpoint that the log shall continue"
    ),
    "audit-reconcile": Wording(
        ru="Сверить журнал аудита, учёт моста и записи портала; ничего не меняет.",
        en="Hold audit log, ledger and portal against each other; changes nothing.",
    ),
    "subject": Wording(ru="Права тех, чьи это данные.", en="The rights of those whose data these are."),
    "subject-dossier": Wording(
        ru="Составить ответ: что хранится, почему, кому передано, до каких пор (152-ФЗ, статья 14).",
        en="Make the answer: what is held, why, passed on to whom, until when (152-FZ, article 14).",
    ),
    "subject-who": Wording(ru="номер ученика или учётная запись родителя", en="a student's id, or a parent's account"),
    "subject-as": Wording(ru="чей это номер, если он двойной", en="whose id it is, where it could be both"),
    "subject-out": Wording(
        ru="новый файл .pdf; рядом ляжет такой же .json", en="a new file .pdf; one ending in .json is put beside it"
    ),
    "checkpoint": Wording(
        ru="прежняя отметка (файл checkpoint), сохранённая отдельно; можно несколько",
        en="an earlier checkpoint file that was kept apart; may be repeated",
    ),
    "keys-rotate-signing": Wording(
        ru="Сменить ключ подписи журнала аудита; можно во время передачи.",
        en="Change the key that signs the audit log; a sync may be running.",
    ),
    "keys-revoke": Wording(
        ru="прежний ключ в чужих руках: больше не принимать его подписи",
        en="the former key is in other hands: accept its signatures no more",
    ),
    "keys-revoke-all": Wording(
        ru="то же, и со всеми ключами, которые сменили раньше",
        en="the same, and all keys that were replaced before it",
    ),
    "keys-list": Wording(ru="Показать ключи: номера, места, прежние.", en="Show the keys: ids, places, former ones."),
    "keys-check": Wording(
        ru="Проверить, что ключи на месте и закрыты от других.",
        en="See that the keys are there and closed to others.",
    ),
    "erase": Wording(
        ru="Уничтожить данные ученика и составить акт; due — чей срок настал; list — сделанные уничтожения.",
        en="Destroy a student's data and make the act; due: whose term has come; list: what was erased.",
    ),
    "erase-what": Wording(ru="номер ученика, due или list", en="the student's id, due or list"),
    "erase-school": Wording(ru="код школы; для due можно несколько", en="the school's code; due takes several"),
    "erase-why": Wording(
        ru="withdrawal — отзыв, term — срок или конец связи, order — предписание",
        en="withdrawal, term (it is over, or the link ended) or order",
    ),
    "erase-by": Wording(ru="кто уничтожает: стоит в акте", en="who destroys the data: stands on the act"),
    "erase-position": Wording(ru="его должность; без неё — строка в акте", en="their position; else a line on the act"),
    "erase-document": Wording(ru="предписание или решение, одной строкой", en="the order or decision, in one line"),
    "erase-out": Wording(ru="папка для акта; без неё — acts рядом с настройками", en="folder of the act; else ./acts"),
    "erase-confirm": Wording(ru="исполнить, а не только показать", en="carry it out, don't only show it"),
    "erase-within": Wording(ru="за сколько дней до срока исполнять", en="how many days before the last one"),
    "sandbox": Wording(ru="Выдуманные школа и портал для проб.", en="A made-up school and portal to try things on."),
    "sandbox-school": Wording(
        ru="Записать выдуманную школу как базу Firebird.", en="Write a made-up school as a Firebird database."
    ),
    "sandbox-register": Wording(ru="Записать реестр выдуманных родителей.", en="Write a register of made-up parents."),
    "sandbox-portal": Wording(ru="Запустить портал; Ctrl+C остановит.", en="Serve the portal; Ctrl+C stops it."),
    "sandbox-fault": Wording(ru="Поставить сбой портала в очередь.", en="Queue a fault of the portal."),
    "sandbox-demo": Wording(
        ru="Показать всю работу на трёх выдуманных школах.", en="Show the whole job on three made-up schools."
    ),
    "demo-folder": Wording(ru="новая папка для демонстрации", en="a new folder for the demonstration"),
    "school-file": Wording(ru="файл базы Firebird (.fdb)", en="the Firebird file (.fdb)"),
    "students": Wording(ru="сколько учеников", en="how many students"),
    "weeks": Wording(ru="сколько недель уроков", en="how many weeks of lessons"),
    "seed": Wording(ru="зерно: то же зерно — та же школа", en="the same seed gives the same school"),
    "name": Wording(ru="название школы", en="the school's name"),
    "portal-folder": Wording(ru="папка портала: его база и ключи", en="the portal's folder: its database and keys"),
    "host": Wording(ru="на каком адресе слушать", en="the address to listen on"),
    "port": Wording(ru="порт; 0 — любой свободный", en="the port; 0: any free one"),
    "portal-schools": Wording(
        ru="школа, которую портал знает; без этого — все", en="a school that the portal knows; none: all"
    ),
    "fault-kind": Wording(ru="вид сбоя, например cut-after", en="what goes wrong, like cut-after"),
    "operation": Wording(
        ru="операция, например SubmitJournal; * — любая", en="an operation, like SubmitJournal; *: any"
    ),
    "times": Wording(ru="сколько раз; 0 — пока не снимут", en="how often; 0: until cleared"),
    "argument": Wording(ru="секунды или образец номеров записей", en="seconds, or a pattern of record ids"),
}
