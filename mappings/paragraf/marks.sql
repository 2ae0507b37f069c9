-- Facts. What the control, its lesson and the code say stands in their own tables; only the note is text.
SELECT m.ID, m.CONTROL_ID, m.STUDENT_ID, m.TYPE_ID, {text m.NOTE 1000} AS NOTE, m.ENTERED_AT
FROM LESSON l
JOIN CONTROL c ON c.LESSON_ID = l.ID
JOIN MARK m ON m.CONTROL_ID = c.ID
WHERE {within l.LESSON_DATE} AND {journals l.JOURNAL_ID}
