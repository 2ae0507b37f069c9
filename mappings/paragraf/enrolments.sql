-- Each student's stays in classes, all years: whoever left is told from whoever was never there.
SELECT e.STUDENT_ID, e.DATE_FROM, e.DATE_TO, c.PARALLEL, {text c.LETTER 4} AS LETTER
FROM ENROLMENT e
JOIN SCHOOL_CLASS c ON c.ID = e.CLASS_ID
