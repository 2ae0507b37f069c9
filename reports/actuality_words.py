"""How many lessons were filled in in time, in sentences: the share, its formula, what is not counted. Pure.

Rules. A figure never stands without its formula and its numbers. A share is cut after one decimal, not rounded, so that
what is below a target of whole per cents never reads as if it reached it. Where nothing can be known or nothing is
counted yet there is no share, and the sentence says which. Deliberately not here: the rule (`journal.actuality`).
"""

from collections.abc import Mapping

from journal.actuality import Actuality, Goal, SchoolActuality, Standing
from journal.wording import Language, Wording
from reports.counting import NO_BREAK_SPACE, number

STANDINGS: Mapping[Standing, Wording] = {
    Standing.IN_TIME: Wording(ru="вовремя", en="in time"),
    Standing.LATE: Wording(ru="позже срока", en="late"),
    Standing.NOT_FILLED: Wording(ru="не заполнено", en="not filled in"),
    Standing.WITHIN_TERM: Wording(ru="срок ещё идёт", en="still within the term"),
    Standing.NOT_HELD: Wording(ru="ещё не проведено", en="not held yet"),
    Standing.CANCELLED: Wording(ru="отменено", en="cancelled"),
    Standing.UNCLEAR: Wording(
        ru="не читается день, отмена или время заполнения", en="day, cancellation or time unreadable"
    ),
}
_SHARE = Wording(
    ru="Заполнено вовремя уроков: {in_time} из {counted}, {share}; цель {target} {reached}",
    en="Lessons filled in in time: {in_time} of {counted}, {share}; the target of {target} is {reached}",
)
_REACHED = Wording(ru="достигнута", en="reached")
_MISSED = Wording(ru="не достигнута", en="missed")
_FORMULA = Wording(
    ru="{share} = вовремя {in_time} ÷ (вовремя {in_time} + позже срока {late} + не заполнено {not_filled})",
    en="{share} = in time {in_time} ÷ (in time {in_time} + late {late} + not filled in {not_filled})",
)
_RULE = Wording(
    ru="Вовремя: в день урока или не позже стольких учебных дней после него: {days}. Урок считается, когда срок прошёл",
    en="In time: on the lesson's day or at most so many school days after it: {days}. A lesson counts once its term is "
    "over",
)
_NOT_COUNTED = Wording(ru="Не считаются: {parts}", en="Not counted: {parts}")
_UNKNOWN = Wording(
    ru="Посчитать нельзя: система этой школы не хранит, когда заполнен урок",
    en="It can't be counted: this school's system doesn't keep when a lesson was filled in",
)
_NOTHING = Wording(
    ru="Считать пока нечего: ни у одного урока не прошёл срок заполнения",
    en="There is nothing to count yet: no lesson's term is over",
)
_ASSUMED = Wording(
    ru="Календарь не знает этого учебного года, и каникулы посчитаны учебными днями. Назовите их в файле, его – в "
    "[actuality] calendar",
    en="The calendar doesn't know this school year, so vacations count as school days. Write them into a file, and its "
    "name into [actuality] calendar",
)
_BELOW = Wording(
    ru="Ниже цели. Уроки заполняют учителя; какие именно, оператор увидит так: dnevnik actuality {school} --list",
    en="Below the target. Teachers fill the lessons in; the operator sees which: dnevnik actuality {school} --list",
)
_MARK = Wording(
    ru="вовремя заполнено {share} уроков, цель {target}", en="{share} of lessons filled in in time, target {target}"
)
_LABEL = Wording(ru="уроков заполнено вовремя", en="lessons filled in in time")
_OF = Wording(ru=", {share} (цель {target})", en=", {share} (target {target})")
_NOT_KEPT = Wording(ru="не хранится", en="not kept")
_NONE_YET = Wording(ru="рано считать", en="too early")


def percent(part: int, whole: int, language: Language) -> str:
    """Write `part` of `whole` in per cent, cut after one decimal. ZeroDivisionError where there is no whole."""
    tenths = part * 1000 // whole
    text = f"{tenths // 10}.{tenths % 10}".removesuffix(".0")
    return f"{text.replace('.', ',')}{NO_BREAK_SPACE}%" if language == Language.RU else f"{text}%"


def share_of(figure: Actuality, language: Language) -> str:
    """Return a figure's share in words, "–" where there is none."""
    return "–" if figure.share is None else percent(figure.in_time, figure.counted, language)


def target_of(goal: Goal, language: Language) -> str:
    """Return a goal's share in words."""
    text = f"{goal.target * 100:.6g}"
    return f"{text.replace('.', ',')}{NO_BREAK_SPACE}%" if language == Language.RU else f"{text}%"


def headline(told: SchoolActuality, language: Language) -> str:
    """Return the figure in one sentence, or why there is none."""
    figure = told.figure
    if figure.share is None:
        return (_NOTHING if figure.known else _UNKNOWN).say(language)
    return _SHARE.say(
        language,
        in_time=number(figure.in_time, language),
        counted=number(figure.counted, language),
        share=share_of(figure, language),
        target=target_of(told.goal, language),
        reached=(_MISSED if told.below else _REACHED).say(language),
    )


def formula(told: SchoolActuality, language: Language) -> tuple[str, ...]:
    """Return how the figure came about: the formula with its numbers, the rule, what is not counted and why."""
    figure = told.figure
    if not figure.known:
        return ()
    said = [_RULE.say(language, days=told.goal.within_days)]
    if figure.share is not None:
        counts = {name: number(getattr(figure, name), language) for name in ("in_time", "late", "not_filled")}
        said.insert(0, _FORMULA.say(language, share=share_of(figure, language), **counts))
    parts = [
        f"{word.say(language)} {number(figure.not_counted[standing], language)}"
        for standing, word in STANDINGS.items()
        if figure.not_counted.get(standing)
    ]
    if parts:
        said.append(_NOT_COUNTED.say(language, parts=", ".join(parts)))
    if told.assumed:
        said.append(_ASSUMED.say(language))
    return tuple(said)


def remedy(told: SchoolActuality, school: str, language: Language) -> str | None:
    """Return what to do where the figure is below the target; None where it is not."""
    return _BELOW.say(language, school=school) if told.below else None


def row(told: SchoolActuality, language: Language) -> tuple[str, str]:
    """Return the label and the value of a table's row: how many lessons were filled in in time, or why none is said."""
    label, figure = _LABEL.say(language), told.figure
    if figure.share is None:
        return label, (_NONE_YET if figure.known else _NOT_KEPT).say(language)
    of = {"share": share_of(figure, language), "target": target_of(told.goal, language)}
    return label + _OF.say(language, **of), number(figure.in_time, language)


def mark_below(told: SchoolActuality | None, language: Language) -> str | None:
    """Return what a list of schools says of one below the target; None of any other."""
    if told is None or not told.below:
        return None
    return _MARK.say(language, share=share_of(told.figure, language), target=target_of(told.goal, language))
