-- Who is listed in the journals that have rows in the window. A database keeps the lists of many years, so
-- the journals are found first; UNION leaves each once.
SELECT m.JOURNAL_ID, m.STUDENT_ID, m.DATE_FROM, m.DATE_TO
FROM (
  SELECT l.JOURNAL_ID
  FROM LESSON l
  WHERE {within l.LESSON_DATE} AND {journals l.JOURNAL_ID}
  UNION
  SELECT pm.JOURNAL_ID
  FROM PERIOD p
  JOIN PERIOD_MARK pm ON pm.PERIOD_ID + 0 = p.ID
  WHERE p.DATE_TO BETWEEN :first AND :last AND {journals pm.JOURNAL_ID}
) used
JOIN JOURNAL_MEMBER m ON m.JOURNAL_ID = used.JOURNAL_ID
