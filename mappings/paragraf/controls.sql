-- Works that were given in the window's lessons, with their weight.
SELECT c.ID, c.LESSON_ID, c.TYPE_ID, c.COST
FROM LESSON l
JOIN CONTROL c ON c.LESSON_ID = l.ID
WHERE {within l.LESSON_DATE} AND {journals l.JOURNAL_ID}
