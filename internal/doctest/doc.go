// Package doctest contains the test that runs the documentation: the commands and
// code of README.md, SECURITY.md, CONTRIBUTING.md and every page below docs. Each
// block of a page has a class, which its info string (the text after ```) names. A
// block without a class fails the test.
//
//	go                  a program; it is built in an empty folder (go mod init, go get,
//	                    go mod tidy, go vet) and runs to its end
//	go file=NAME        a file in the folder in which the commands of the page run
//	go serve=ADDRESS    a program that listens at the address until it is interrupted
//	go from=FILE        lines of a file of this repository, which its tests run;
//	                    … stands for lines that are left out
//	sh                  commands; they run in one bash after the other
//	sh serve=ADDRESS    commands that listen at the address until they are interrupted
//	sh in=clone         commands that run in a copy of the checkout
//	console             commands after "$ ", with the output of each
//	console fails       commands that fail, with the output of each
//	console terminal    commands on a terminal, on which the user answers y to questions
//	text output         the output of the last program or commands before it
//	redis               commands of Redis; each is carried out by a new server
//	sql server=NAMES    statements, carried out by new servers (postgresql, mariadb) that
//	                    have OSProfiler's table in a database osp, and an account service
//	text usage          the synopsis of osp: its commands and flags
//	text keys=NAME      a description of JSON with exactly the keys that osp writes
//	LANGUAGE from=FILE  lines of a file of this repository; "// " and quotes around do
//	                    not count
//	LANGUAGE test=FILE  a block that the named test reads from the page and runs
//
// The go command gets this module from a file proxy that is made of the checkout. It gets
// everything else from the module cache, or from the user's own proxy if the cache lacks
// it.
//
// The commands run with an empty home folder and a store in SQLite with four traces, two
// of them old. INFO and MAC in their environment are signed headers.
// The test replaces the addresses that a page serves by free ones, the folders /var/lib,
// /backup and /etc/osprofiler by folders of the test, and http://nova.example:8774 by a
// traced service. BASE_ID stands for the id of the newest trace. So does a UUID in a
// command, if no trace of the store has that UUID. Where output is compared, ids, times,
// durations and numbers may differ, and the lines of osp on standard error may come
// earlier or later.
package doctest
