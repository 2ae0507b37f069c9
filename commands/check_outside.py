"""Looks at what is outside: the certificates that authorities gave, the portal and its clock, the schools."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from commands.findings import Condition, Finding, found
from connectors.portal.certificates import CertificateFacts, inspect_all
from connectors.portal.expiry import THRESHOLDS, passed
from connectors.portals import connector
from connectors.school.probe import probe as probe_school
from flows.assembly import portal_connection, school_source
from flows.portal_certificate import WORDS
from journal.wording import Language, Wording
from mappings.profile import load_profile
from settings import SchoolSection, Secret, Settings

SLOW_CLOCK = timedelta(seconds=60)
WRONG_CLOCK = timedelta(minutes=4)
"""A message's time stamp is good for five minutes; beyond four nothing is sure."""

_CERTIFICATE = Wording(
    ru="{key}: сертификат действует до {until}", en="{key}: the certificate is in force until {until}"
)
_SOON_OVER = Wording(
    ru="{key}: сертификат действует только до {until}. Запросите новый у удостоверяющего центра",
    en="{key}: the certificate is in force only until {until}. Ask the authority for a new one",
)
_DAYS_LEFT = Wording(
    ru="{key}: сертификат действует только до {until}, осталось меньше {days} дн. Получите новый и положите на его "
    "место, перезапуск не нужен",
    en="{key}: the certificate is in force only until {until}, less than {days} days. Get a new one and put it in its "
    "place; nothing has to be restarted",
)
_ITS_SOON_OVER = Wording(
    ru="[portal] url: сертификат портала ({name}) действует только до {until}. Узнайте у оператора портала, кто "
    "выпустит новый, и дополните authorities, если это другой центр",
    en="[portal] url: the portal's certificate ({name}) is in force only until {until}. Ask the portal's operator who "
    "issues the new one, and add to authorities if it is another",
)
_OVER = Wording(
    ru="{key}: срок сертификата истёк {until}. Получите новый у удостоверяющего центра",
    en="{key}: the certificate expired on {until}. Get a new one from the authority",
)
_EARLY = Wording(
    ru="{key}: сертификат действует лишь с {since}. Проверьте часы этой машины",
    en="{key}: the certificate is in force only from {since}. Check this machine's clock",
)
_PORTAL = Wording(
    ru="[portal] url: портал отвечает и верит подписи моста",
    en="[portal] url: the portal answers and trusts the bridge",
)
_PORTAL_REACHED = Wording(
    ru="[portal] url: портал отвечает; понимает ли он мост, видно будет, когда появится школа",
    en="[portal] url: the portal answers; whether it understands will show once there is a school",
)
_PORTAL_REFUSES = Wording(
    ru="[portal] url: портал отвечает, но не так, как обещано ({code}). Проверьте signing_key и authorities",
    en="[portal] url: the portal answers, but not as promised ({code}). Check signing_key and authorities",
)
_PORTAL_OF_ANOTHER_TIME = Wording(
    ru="[portal] url: портал отвечает, но часы расходятся, и подписям обе стороны не верят ({code}). Сначала часы",
    en="[portal] url: the portal answers, but clocks are apart and neither trusts a signature ({code}). Clocks first",
)
_PORTAL_AWAY = Wording(
    ru="[portal] url: портал недоступен ({code}). Проверьте url, client_certificate, authorities и сеть",
    en="[portal] url: the portal can't be reached ({code}). Check url, client_certificate, authorities and the network",
)
_CLOCK = Wording(ru="часы: расхождение с порталом {seconds} с", en="clock: {seconds} s apart from the portal's")
_CLOCK_OFF = Wording(
    ru="часы: расхождение с порталом {seconds} с. Настройте точное время этой машины (NTP); если оно верно, сообщите "
    "оператору портала",
    en="clock: {seconds} s apart from the portal's. Set this machine's time (NTP); if it is right, tell the portal's "
    "operator",
)
_SCHOOL = Wording(
    ru="{subject}: база журнала читается ({product})", en="{subject}: the journal's database can be read ({product})"
)
_SCHOOL_UNNAMED = Wording(
    ru="{subject}: база читается ({product}), но школа в ней не названа. Убедитесь, что source ведёт в эту школу",
    en="{subject}: can be read ({product}), but names no school. Make sure that source leads to this school",
)
_WRITABLE = Wording(
    ru="{subject}: база сама не запрещает запись. Дайте учётной записи моста право только на чтение",
    en="{subject}: the database itself doesn't forbid writing. Let the bridge's account read only",
)
_PASSWORD_WRITTEN = Wording(
    ru="[[school]] {school}: пароль стоит в source открыто. Уберите его оттуда и назовите в source_password",
    en="[[school]] {school}: the password stands openly in source. Take it out and name it in source_password",
)
_SAID = Wording(ru="{subject}: {ru}", en="{subject}: {en}")


def look_at_certificate(secret: Secret, now: datetime) -> Iterator[Finding]:
    """Say how long the certificates of a file of ours are in force: of several, the one that ends next."""
    setting = secret.key.rpartition(" ")[2]
    own, *others = inspect_all(secret.read(), setting)
    needed = [own, *others] if setting == "authorities" else [own]
    alive = [one for one in (own, *others) if one.not_after >= now]
    if not any(one in alive for one in needed):
        alive = needed[:1]
    yield _dates(secret.key, min(alive, key=lambda one: one.not_after), now)
    for one in (own, *others):
        if one not in alive and one.not_after < now:  # the others do without it
            yield found(Condition.LOOK, _OVER, key=secret.key, until=one.not_after.date())


def _dates(key: str, certificate: CertificateFacts, now: datetime) -> Finding:
    since, until = certificate.not_before.date(), certificate.not_after.date()
    if now < certificate.not_before:
        return found(Condition.WRONG, _EARLY, key=key, since=since)
    if now > certificate.not_after:
        return found(Condition.WRONG, _OVER, key=key, until=until)
    days = passed(certificate.not_after, now)
    if days == THRESHOLDS[-1]:
        return found(Condition.LOOK, _SOON_OVER, key=key, until=until)
    if days is not None:
        return found(Condition.LOOK, _DAYS_LEFT, key=key, until=until, days=days)
    return found(Condition.FINE, _CERTIFICATE, key=key, until=until)


def look_at_portal(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Reach the portal, ask it for a batch that never was, look at its certificates, and compare clocks."""
    school = settings.schools[0].code if settings.schools else None
    seen = connector(settings.portal.connector).probe(portal_connection(settings), school)
    code = "" if seen.problem is None else seen.problem.code
    if not seen.reached and code in WORDS:
        said = WORDS[code].filled(code=code)
        yield found(Condition.WRONG, _SAID, subject="[portal] url", ru=said.ru, en=said.en)
    elif not seen.reached:
        yield found(Condition.WRONG, _PORTAL_AWAY, code=code)
    elif seen.understood is None:
        yield found(Condition.FINE, _PORTAL_REACHED)
    elif seen.understood:
        yield found(Condition.FINE, _PORTAL)
    else:
        apart = seen.clock_difference is not None and abs(seen.clock_difference) > WRONG_CLOCK
        yield found(Condition.WRONG, _PORTAL_OF_ANOTHER_TIME if apart else _PORTAL_REFUSES, code=code)
    for name, until in seen.ends.items():
        if passed(until, now) is not None:
            yield found(Condition.LOOK, _ITS_SOON_OVER, name=name, until=until.date())
    if seen.clock_difference is not None:
        yield clock(seen.clock_difference)


def clock(difference: timedelta) -> Finding:
    """Say how far the portal's clock is from this machine's."""
    seconds = round(difference.total_seconds())
    if abs(difference) < SLOW_CLOCK:
        return found(Condition.FINE, _CLOCK, seconds=seconds)
    return found(Condition.WRONG if abs(difference) > WRONG_CLOCK else Condition.LOOK, _CLOCK_OFF, seconds=seconds)


def look_at_school(school: SchoolSection) -> Iterator[Finding]:
    """Reach a school's database and hold it against its profile."""
    if urlsplit(school.source).password:
        yield found(Condition.LOOK, _PASSWORD_WRITTEN, school=school.code)
    seen = probe_school(school_source(school), load_profile(school.profile), school.code)
    subject = f"[[school]] {school.code}"
    for problem in seen.problems:
        yield found(Condition.WRONG, _SAID, subject=subject, ru=problem.say(Language.RU), en=problem.say(Language.EN))
    if not seen.ok:
        return
    product = seen.product or "-"
    if seen.code_found is None:
        yield found(Condition.LOOK, _SCHOOL_UNNAMED, subject=subject, product=product)
    else:
        yield found(Condition.FINE, _SCHOOL, subject=subject, product=product)
    if not seen.read_only:
        yield found(Condition.LOOK, _WRITABLE, subject=subject)
