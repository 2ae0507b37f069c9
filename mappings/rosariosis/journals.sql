-- A course period is one teacher's group of one course: the nearest thing to a journal. It is of no class, for students
-- of several may take it.
SELECT p.course_period_id AS id, p.course_id AS subject_id, p.teacher_id
FROM course_periods p
