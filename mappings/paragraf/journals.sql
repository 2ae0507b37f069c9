-- A journal is of one class (or a subgroup of it) and one subject; the class is called as in enrolments.sql.
SELECT j.ID, j.SUBJECT_ID, j.CLASS_ID, c.PARALLEL, {text c.LETTER 4} AS LETTER, j.TEACHER_ID
FROM JOURNAL j
LEFT JOIN SCHOOL_CLASS c ON c.ID = j.CLASS_ID
