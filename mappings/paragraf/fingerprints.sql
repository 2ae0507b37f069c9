-- What each journal holds in the window, counted by the database. A row that is added, changed, moved or deleted
-- changes a sum, also where nothing notes the time. Where the database numbers what is written, the number says it all,
-- a comment included. A lesson's day, number and cancellation and a work's weight count
-- too, for they stand in the records; so do the notes of the time. When a lesson was filled in does not, nor what it
-- was about, so a lesson has no such number here: no record says it, and whoever wants it reads all lessons. Names (of
-- subjects, codes, students), enrolments and the journals' lists do not: those are read anew in every run.
-- Each table's rows are gathered by themselves first: so few columns are sorted.
SELECT f.JOURNAL_ID, CAST(SUM(f.N) AS INTEGER) AS "ROWS", MAX(f.NEWEST) AS NEWEST,
       SUM(f.ID) AS SUM_OF_IDS, SUM(f.WORTH) AS SUM_OF_CODES
FROM (
  SELECT l.JOURNAL_ID, COUNT(*) AS N, MAX(m.CHANGED_AT) AS NEWEST, SUM(m.ID) * 3 AS ID,
         SUM({written m: CAST(m.ID AS DECIMAL(18, 0)) * (m.TYPE_ID * 7 + m.STUDENT_ID * 11 + m.CONTROL_ID * 13)
             + {seconds m.CHANGED_AT}}) AS WORTH
  FROM LESSON l
  JOIN CONTROL c ON c.LESSON_ID = l.ID
  JOIN MARK m ON m.CONTROL_ID = c.ID
  WHERE l.LESSON_DATE BETWEEN :first AND :last
  GROUP BY l.JOURNAL_ID
  UNION ALL
  SELECT l.JOURNAL_ID, COUNT(*), MAX(a.CHANGED_AT), SUM(a.ID) * 5,
         SUM({written a: CAST(a.ID AS DECIMAL(18, 0)) * (a.TYPE_ID * 17 + a.STUDENT_ID * 19 + a.LESSON_ID * 23)
             + {seconds a.CHANGED_AT}})
  FROM LESSON l
  JOIN ABSENCE a ON a.LESSON_ID = l.ID
  WHERE l.LESSON_DATE BETWEEN :first AND :last
  GROUP BY l.JOURNAL_ID
  UNION ALL
  SELECT l.JOURNAL_ID, COUNT(*), NULL, SUM(c.ID) * 7,
         SUM({written c: CAST(c.ID AS DECIMAL(18, 0)) * (COALESCE(c.COST, -7) * 100 + c.TYPE_ID * 29 + c.LESSON_ID * 31)})
  FROM LESSON l
  JOIN CONTROL c ON c.LESSON_ID = l.ID
  WHERE l.LESSON_DATE BETWEEN :first AND :last
  GROUP BY l.JOURNAL_ID
  UNION ALL
  SELECT l.JOURNAL_ID, COUNT(*), NULL, SUM(l.ID) * 11,
         SUM(CAST(l.ID AS DECIMAL(18, 0)) * (COALESCE(l.LESSON_NO, -7) * 37 + l.CANCELLED * 41
             + {days l.LESSON_DATE} * 43 + l.JOURNAL_ID * 61))
  FROM LESSON l
  WHERE l.LESSON_DATE BETWEEN :first AND :last
  GROUP BY l.JOURNAL_ID
  UNION ALL
  SELECT m.JOURNAL_ID, COUNT(*), MAX(m.CHANGED_AT), SUM(m.ID) * 13,
         SUM({written m: CAST(m.ID AS DECIMAL(18, 0)) * (m.TYPE_ID * 47 + m.STUDENT_ID * 53 + m.PERIOD_ID * 59
             + m.JOURNAL_ID * 61) + {seconds m.CHANGED_AT}})
  FROM PERIOD p
  JOIN PERIOD_MARK m ON m.PERIOD_ID = p.ID
  WHERE p.DATE_TO BETWEEN :first AND :last
  GROUP BY m.JOURNAL_ID
) f
GROUP BY f.JOURNAL_ID
