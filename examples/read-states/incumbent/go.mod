module read-states

go 1.19
