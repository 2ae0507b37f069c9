-- Facts: marks of the periods that end in the window. "+ 0" keeps the engine from going by the period, of which there are
-- few, where some journals are asked for.
SELECT pm.ID, pm.JOURNAL_ID, pm.PERIOD_ID, pm.STUDENT_ID, pm.TYPE_ID, pm.CHANGED_AT
FROM PERIOD p
JOIN PERIOD_MARK pm ON pm.PERIOD_ID + 0 = p.ID
WHERE p.DATE_TO BETWEEN :first AND :last AND {journals pm.JOURNAL_ID}
