-- How many lessons there are of each day, and on which day they were filled in: a run that reads the changed journals
-- alone counts the share of lessons filled in in time from these few rows.
SELECT l.LESSON_DATE, l.CANCELLED, {day l.FILLED_AT} AS FILLED_ON, COUNT(*) AS LESSONS
FROM LESSON l
WHERE l.LESSON_DATE BETWEEN :first AND :last
GROUP BY l.LESSON_DATE, l.CANCELLED, {day l.FILLED_AT}
