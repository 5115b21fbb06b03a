module loading-go

go 1.26

require fetchlock v0.0.0

replace fetchlock => ../../../guest-libraries/go/fetchlock
