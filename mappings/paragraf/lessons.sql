-- FILLED_AT is null until the teacher has filled the lesson in.
SELECT l.ID, l.JOURNAL_ID, l.LESSON_DATE, l.LESSON_NO, l.CANCELLED, l.FILLED_AT
FROM LESSON l
WHERE {within l.LESSON_DATE} AND {journals l.JOURNAL_ID}
