-- A course is what a parent knows as the subject.
SELECT c.course_id AS id, c.title AS name
FROM courses c
