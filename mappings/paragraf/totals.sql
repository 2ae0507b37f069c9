-- The same counts as in fingerprints.sql, over all rows in one: read without a join and without a sort, they cost little.
-- By as much as they exceed the journals' own counts of the last weeks, nothing older has changed as long as that stays.
-- A lesson's and a period mark's journal counts too, for in a sum over all journals nothing else tells of a move.
SELECT CAST(SUM(f.N) AS INTEGER) AS "ROWS", SUM(f.WORTH) AS SUM_OF_CODES
FROM (
  SELECT COUNT(*) AS N,
         SUM({written m: CAST(m.ID AS DECIMAL(18, 0)) * (m.TYPE_ID * 7 + m.STUDENT_ID * 11 + m.CONTROL_ID * 13)
             + {seconds m.CHANGED_AT}}) AS WORTH
  FROM MARK m
  UNION ALL
  SELECT COUNT(*),
         SUM({written a: CAST(a.ID AS DECIMAL(18, 0)) * (a.TYPE_ID * 17 + a.STUDENT_ID * 19 + a.LESSON_ID * 23)
             + {seconds a.CHANGED_AT}})
  FROM ABSENCE a
  UNION ALL
  SELECT COUNT(*),
         SUM({written c: CAST(c.ID AS DECIMAL(18, 0)) * (COALESCE(c.COST, -7) * 100 + c.TYPE_ID * 29 + c.LESSON_ID * 31)})
  FROM CONTROL c
  UNION ALL
  SELECT COUNT(*),
         SUM(CAST(l.ID AS DECIMAL(18, 0)) * (COALESCE(l.LESSON_NO, -7) * 37 + l.CANCELLED * 41
             + {days l.LESSON_DATE} * 43 + l.JOURNAL_ID * 61))
  FROM LESSON l
  UNION ALL
  SELECT COUNT(*),
         SUM({written m: CAST(m.ID AS DECIMAL(18, 0)) * (m.TYPE_ID * 47 + m.STUDENT_ID * 53 + m.PERIOD_ID * 59
             + m.JOURNAL_ID * 61) + {seconds m.CHANGED_AT}})
  FROM PERIOD_MARK m
) f
