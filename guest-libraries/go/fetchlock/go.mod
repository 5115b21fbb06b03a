module fetchlock

go 1.26
