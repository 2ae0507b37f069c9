-- Facts: absences, lates and remarks of the window's lessons.
SELECT a.ID, a.LESSON_ID, a.STUDENT_ID, a.TYPE_ID, a.CHANGED_AT
FROM LESSON l
JOIN ABSENCE a ON a.LESSON_ID = l.ID
WHERE {within l.LESSON_DATE} AND {journals l.JOURNAL_ID}
