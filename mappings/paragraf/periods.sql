-- Periods whose marks are dated in the window: a period's mark carries the period's last day.
SELECT p.ID, p.KIND, {text p.NAME 60} AS NAME, p.DATE_FROM, p.DATE_TO
FROM PERIOD p
WHERE p.DATE_TO BETWEEN :first AND :last
