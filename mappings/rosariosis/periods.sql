-- Periods whose grades are dated in the window: a period's grade carries the period's last day.
SELECT p.marking_period_id AS id, p.mp AS kind, p.title AS name, p.start_date AS date_from, p.end_date AS date_to
FROM school_marking_periods p
WHERE p.end_date BETWEEN :first AND :last
