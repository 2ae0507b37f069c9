"""What a person reads where TLS with the portal was not agreed: whose certificate isn't believed, why, and what to do.

Rules. A code says who doesn't trust whom: the bridge the portal's certificate (and why), or the portal the bridge's.
Whether a certificate holds at this moment is judged by this machine's clock, which may be what is wrong. Nothing was
sent in any of these cases. Deliberately not here: who finds it out (`connectors.portal.exchange`).
"""

from collections.abc import Mapping

from journal.wording import Wording


def _untrusted(why: Wording, remedy: Wording) -> Wording:
    return Wording(
        ru=f"Мост не верит сертификату портала: {why.ru} ({{code}}). Ничего не отправлено. {remedy.ru}",
        en=f"The bridge doesn't trust the portal's certificate: {why.en} ({{code}}). Nothing was sent. {remedy.en}",
    )


_CLOCK_OR_THEIRS = Wording(
    ru="Проверьте часы этой машины (NTP, dnevnik check); если они верны, сообщите оператору портала, что ему пора "
    "заменить сертификат",
    en="Look at this machine's clock (NTP, dnevnik check); if it is right, tell the portal's operator to replace the "
    "certificate",
)

WORDS: Mapping[str, Wording] = {
    "certificate-expired": _untrusted(
        Wording(ru="его срок истёк", en="it has expired"),
        _CLOCK_OR_THEIRS,
    ),
    "certificate-not-yet-valid": _untrusted(
        Wording(ru="его срок ещё не начался", en="it is not yet valid"),
        Wording(
            ru="Скорее всего, отстают часы этой машины: настройте NTP (dnevnik check). Если часы верны, сообщите "
            "оператору портала",
            en="Most likely this machine's clock is slow: set up NTP (dnevnik check). If the clock is right, tell the "
            "portal's operator",
        ),
    ),
    "certificate-unknown-authority": _untrusted(
        Wording(
            ru="его выдал не тот, кто назван в [portal] authorities",
            en="it was issued by nobody whom [portal] authorities names",
        ),
        Wording(
            ru="Если портал сменил удостоверяющий центр, получите его сертификат у оператора портала и добавьте в файл "
            "authorities; иначе проверьте url",
            en="If the portal has changed its authority, get that one's certificate from the portal's operator and add "
            "it to the file of authorities; else check url",
        ),
    ),
    "certificate-wrong-name": _untrusted(
        Wording(ru="он выдан для другого имени узла", en="it was issued for another host name"),
        Wording(
            ru="Проверьте имя узла в [portal] url; если оно верно, сообщите оператору портала",
            en="Check the host name in [portal] url; if it is right, tell the portal's operator",
        ),
    ),
    "certificate-untrusted": _untrusted(
        Wording(ru="проверка не прошла", en="it doesn't pass"),
        Wording(
            ru="Проверьте [portal] url и authorities (dnevnik check), затем обратитесь к оператору портала",
            en="Check [portal] url and authorities (dnevnik check), then ask the portal's operator",
        ),
    ),
    "certificate-refused": Wording(
        ru="Портал не верит сертификату моста ({code}). Ничего не отправлено. Проверьте срок client_certificate "
        "(dnevnik check) и что портал его знает; если он в порядке, обратитесь к оператору портала",
        en="The portal doesn't trust the bridge's certificate ({code}). Nothing was sent. Check until when "
        "client_certificate is valid (dnevnik check), and that the portal knows it; if it is in order, ask the "
        "portal's operator",
    ),
    "tls": Wording(
        ru="Защищённое соединение с порталом не установлено ({code}). Ничего не отправлено. Если так и при следующем "
        "запуске, проверьте [portal] url (dnevnik check): по этому адресу отвечает не HTTPS или только старый TLS",
        en="TLS with the portal could not be agreed ({code}). Nothing was sent. If it is so in the next run too, check "
        "[portal] url (dnevnik check): what answers there is no HTTPS, or knows old TLS only",
    ),
}
"""By the code of a PortalError; each has a place for `code`."""
