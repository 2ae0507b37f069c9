-- What each journal holds in the window, counted by the database. A row that is added, changed, moved or deleted
-- changes a sum, also where nothing notes the time. A lesson's day, number and cancellation and a work's weight count
-- too, for they stand in the records; so do the notes of the time. When a lesson was filled in does not: no record says
-- it, and whoever wants it reads all lessons. Names (of subjects, codes, students), enrolments and
-- the journals' lists do not: those are read anew in every run.
SELECT f.JOURNAL_ID, COUNT(*) AS "ROWS", MAX(f.CHANGED_AT) AS NEWEST,
       SUM(f.ID) AS SUM_OF_IDS, SUM(f.WORTH) AS SUM_OF_CODES
FROM (
  SELECT l.JOURNAL_ID, m.CHANGED_AT, CAST(m.ID AS DECIMAL(18, 0)) * 3 AS ID,
         CAST(m.ID AS DECIMAL(18, 0)) * (m.TYPE_ID * 7 + m.STUDENT_ID * 11 + m.CONTROL_ID * 13) + {seconds m.CHANGED_AT} AS WORTH
  FROM LESSON l
  JOIN CONTROL c ON c.LESSON_ID = l.ID
  JOIN MARK m ON m.CONTROL_ID = c.ID
  WHERE l.LESSON_DATE BETWEEN :first AND :last
  UNION ALL
  SELECT l.JOURNAL_ID, a.CHANGED_AT, CAST(a.ID AS DECIMAL(18, 0)) * 5,
         CAST(a.ID AS DECIMAL(18, 0)) * (a.TYPE_ID * 17 + a.STUDENT_ID * 19 + a.LESSON_ID * 23) + {seconds a.CHANGED_AT}
  FROM LESSON l
  JOIN ABSENCE a ON a.LESSON_ID = l.ID
  WHERE l.LESSON_DATE BETWEEN :first AND :last
  UNION ALL
  SELECT l.JOURNAL_ID, NULL, CAST(c.ID AS DECIMAL(18, 0)) * 7,
         CAST(c.ID AS DECIMAL(18, 0)) * (COALESCE(c.COST, -7) * 100 + c.TYPE_ID * 29 + c.LESSON_ID * 31)
  FROM LESSON l
  JOIN CONTROL c ON c.LESSON_ID = l.ID
  WHERE l.LESSON_DATE BETWEEN :first AND :last
  UNION ALL
  SELECT l.JOURNAL_ID, NULL, CAST(l.ID AS DECIMAL(18, 0)) * 11,
         CAST(l.ID AS DECIMAL(18, 0)) * (COALESCE(l.LESSON_NO, -7) * 37 + l.CANCELLED * 41 + {days l.LESSON_DATE} * 43
             + l.JOURNAL_ID * 61)
  FROM LESSON l
  WHERE l.LESSON_DATE BETWEEN :first AND :last
  UNION ALL
  SELECT m.JOURNAL_ID, m.CHANGED_AT, CAST(m.ID AS DECIMAL(18, 0)) * 13,
         CAST(m.ID AS DECIMAL(18, 0)) * (m.TYPE_ID * 47 + m.STUDENT_ID * 53 + m.PERIOD_ID * 59 + m.JOURNAL_ID * 61) + {seconds m.CHANGED_AT}
  FROM PERIOD p
  JOIN PERIOD_MARK m ON m.PERIOD_ID = p.ID
  WHERE p.DATE_TO BETWEEN :first AND :last
) f
GROUP BY f.JOURNAL_ID
