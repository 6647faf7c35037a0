package sqlite

import code "modernc.org/sqlite/lib"

// A class says what a result code of SQLite means for the batch that met it.
type class int

const (
	unknown   class = iota // nobody can tell; to try again does no harm, as Write may be repeated
	noFailure              // the code is none of a failed statement
	waits                  // another connection is in the way; the same transaction may succeed at once
	passes                 // the state goes away, by itself or when somebody mends it
	stays                  // the same batch fails again until the configuration changes
	refuses                // SQLite will not take one row, for that row's own sake
)

// A meaning is a row of the table of result codes.
type meaning struct {
	class class
	// replaced says that the failure may come from a database file that was
	// moved, removed, cut or restored while it was open. Then the file at the
	// path is opened anew, and the statement is run once more.
	replaced bool
	// source is where the class was learnt: "ran: " and the test, or "read: "
	// and what stands at https://sqlite.org/rescode.html or in SQLite's code.
	source string
}

// meanings are all result codes of SQLite, primary and extended ones.
// TestEveryCode compares the table with the library's.
var meanings = map[int]meaning{
	code.SQLITE_OK:                      {noFailure, false, "read: success"},
	code.SQLITE_OK_LOAD_PERMANENTLY:     {noFailure, false, "read: success of an extension"},
	code.SQLITE_OK_SYMLINK:              {noFailure, false, "read: internal, the path went through a link"},
	code.SQLITE_ROW:                     {noFailure, false, "read: a row is there"},
	code.SQLITE_DONE:                    {noFailure, false, "read: the statement ended"},
	code.SQLITE_NOTICE:                  {noFailure, false, "read: for the log only"},
	code.SQLITE_NOTICE_RECOVER_WAL:      {noFailure, false, "read: for the log only"},
	code.SQLITE_NOTICE_RECOVER_ROLLBACK: {noFailure, false, "read: for the log only"},
	code.SQLITE_NOTICE_RBU:              {noFailure, false, "read: of an extension"},
	code.SQLITE_WARNING:                 {noFailure, false, "read: for the log only"},
	code.SQLITE_WARNING_AUTOINDEX:       {noFailure, false, "read: for the log only"},

	code.SQLITE_BUSY:               {waits, false, "ran: TestLocked: another connection holds the lock"},
	code.SQLITE_BUSY_RECOVERY:      {waits, false, "read: another process recovers the write-ahead log"},
	code.SQLITE_BUSY_SNAPSHOT:      {waits, false, "read: the snapshot is old; a new transaction sees the newest"},
	code.SQLITE_BUSY_TIMEOUT:       {waits, false, "read: a blocking lock took too long"},
	code.SQLITE_LOCKED:             {waits, false, "read: another statement of this process holds the table"},
	code.SQLITE_LOCKED_SHAREDCACHE: {waits, false, "read: another connection with the same cache holds the table"},
	code.SQLITE_LOCKED_VTAB:        {waits, false, "read: of virtual tables"},
	code.SQLITE_PROTOCOL:           {waits, false, "read: a race for the lock of the write-ahead log, tried many times"},
	code.SQLITE_SCHEMA:             {waits, true, "read: the table was changed meanwhile; the statement is to be prepared anew"},
	code.SQLITE_ERROR_RETRY:        {waits, false, "read: internal, prepare again"},
	code.SQLITE_ERROR_SNAPSHOT:     {waits, false, "read: the snapshot is gone; a new transaction sees the newest"},
	code.SQLITE_ABORT_ROLLBACK:     {waits, false, "read: another statement rolled the transaction back"},

	code.SQLITE_FULL:               {passes, false, "ran: TestDiskFullForAWhile: until somebody frees room"},
	code.SQLITE_NOMEM:              {passes, false, "read: there is no memory now"},
	code.SQLITE_INTERRUPT:          {passes, false, "read: the statement was interrupted"},
	code.SQLITE_ABORT:              {passes, false, "read: a callback ended the statement"},
	code.SQLITE_CANTOPEN:           {passes, true, "ran: TestFolderAway, TestTooManyOpenFiles: the folder is away, or too many files are open"},
	code.SQLITE_CANTOPEN_NOTEMPDIR: {passes, false, "read: no longer used; there is no folder for temporary files"},
	code.SQLITE_CANTOPEN_FULLPATH:  {passes, true, "read: the path cannot be resolved now"},
	code.SQLITE_CANTOPEN_CONVPATH:  {stays, false, "read: Cygwin only; the path cannot be converted"},
	code.SQLITE_CANTOPEN_DIRTYWAL:  {unknown, false, "read: no longer used"},
	code.SQLITE_CANTOPEN_ISDIR:     {stays, true, "read: the path is a folder"},
	code.SQLITE_CANTOPEN_SYMLINK:   {stays, true, "read: the path is a symbolic link, where none is allowed"},

	code.SQLITE_READONLY:           {stays, false, "ran: TestReadOnlyMount: there is no right to write"},
	code.SQLITE_READONLY_RECOVERY:  {stays, true, "read: a write-ahead log is to be recovered, without the right to write"},
	code.SQLITE_READONLY_CANTLOCK:  {stays, true, "read: as above, without the right to lock"},
	code.SQLITE_READONLY_ROLLBACK:  {stays, true, "ran: TestHotJournal: a journal is to be rolled back, without the right to write"},
	code.SQLITE_READONLY_CANTINIT:  {stays, true, "ran: TestWriteAheadLog: the index of a write-ahead log is to be made, without the right to write"},
	code.SQLITE_READONLY_DIRECTORY: {stays, false, "ran: TestReadOnlyFolder: the journal cannot be made in the folder"},
	code.SQLITE_READONLY_DBMOVED:   {passes, true, "ran: TestReplaced: the file was moved or removed"},

	code.SQLITE_NOTADB:           {unknown, true, "ran: TestReplaced: another file, or one that is being restored"},
	code.SQLITE_CORRUPT:          {unknown, true, "ran: TestReplaced: damaged, or being restored"},
	code.SQLITE_CORRUPT_VTAB:     {stays, false, "read: of virtual tables"},
	code.SQLITE_CORRUPT_SEQUENCE: {stays, false, "read: of AUTOINCREMENT, which the table has not"},
	code.SQLITE_CORRUPT_INDEX:    {unknown, true, "read: an index lacks a row; REINDEX mends it"},
	code.SQLITE_EMPTY:            {unknown, true, "read: no longer used"},

	code.SQLITE_TOOBIG:                {refuses, false, "ran: TestRefusedRow: a text longer than SQLITE_MAX_LENGTH"},
	code.SQLITE_MISMATCH:              {refuses, false, "read: a value of another type than the column's"},
	code.SQLITE_CONSTRAINT:            {refuses, false, "ran: TestRefusedRow: a constraint that somebody put on the table"},
	code.SQLITE_CONSTRAINT_CHECK:      {refuses, false, "ran: TestRefusedRow"},
	code.SQLITE_CONSTRAINT_DATATYPE:   {refuses, false, "read: a STRICT table, a value of another type"},
	code.SQLITE_CONSTRAINT_FOREIGNKEY: {refuses, false, "read: a row that others lack"},
	code.SQLITE_CONSTRAINT_FUNCTION:   {refuses, false, "read: a function of an extension refused the row"},
	code.SQLITE_CONSTRAINT_NOTNULL:    {refuses, false, "ran: TestRefusedRow"},
	code.SQLITE_CONSTRAINT_PINNED:     {refuses, false, "read: an UPDATE trigger changed a row in use"},
	code.SQLITE_CONSTRAINT_PRIMARYKEY: {refuses, false, "read: a row with that key is there"},
	code.SQLITE_CONSTRAINT_ROWID:      {refuses, false, "read: a row with that id is there"},
	code.SQLITE_CONSTRAINT_TRIGGER:    {refuses, false, "ran: TestRefusedRow: a trigger refused the row"},
	code.SQLITE_CONSTRAINT_UNIQUE:     {refuses, false, "ran: TestRefusedRow"},
	code.SQLITE_CONSTRAINT_VTAB:       {refuses, false, "read: of virtual tables"},
	code.SQLITE_CONSTRAINT_COMMITHOOK: {stays, false, "read: a hook of this program refused the COMMIT"},

	code.SQLITE_ERROR:                 {stays, false, "read: a wrong statement; a missing table is told by its text"},
	code.SQLITE_ERROR_MISSING_COLLSEQ: {stays, false, "read: an index needs a collation of another program"},
	code.SQLITE_ERROR_RESERVESIZE:     {stays, false, "read: the pages of the file have another layout"},
	code.SQLITE_ERROR_KEY:             {stays, false, "read: of encrypted databases"},
	code.SQLITE_ERROR_UNABLE:          {unknown, false, "read: of encrypted databases"},
	code.SQLITE_INTERNAL:              {unknown, false, "read: a fault of SQLite"},
	code.SQLITE_PERM:                  {stays, false, "read: the file cannot be made with the rights asked for"},
	code.SQLITE_AUTH:                  {stays, false, "read: a hook of this program forbids the statement"},
	code.SQLITE_AUTH_USER:             {stays, false, "read: of an extension; the account is not known"},
	code.SQLITE_NOTFOUND:              {stays, false, "read: internal, an operation that the file has not"},
	code.SQLITE_MISUSE:                {stays, false, "read: a fault of this program"},
	code.SQLITE_NOLFS:                 {stays, false, "read: the system cannot have files so large"},
	code.SQLITE_FORMAT:                {stays, false, "read: no longer used"},
	code.SQLITE_RANGE:                 {stays, false, "read: a fault of this program"},

	code.SQLITE_IOERR:                   {unknown, true, "read: the disk failed, or the file was cut or replaced"},
	code.SQLITE_IOERR_READ:              {unknown, true, "read: read(2) failed"},
	code.SQLITE_IOERR_SHORT_READ:        {unknown, true, "read: the file is shorter than its header says"},
	code.SQLITE_IOERR_WRITE:             {unknown, true, "ran: TestFileTooLarge: write(2) failed"},
	code.SQLITE_IOERR_FSYNC:             {unknown, true, "read: fsync(2) failed; SQLite rolls back, and the batch is written again whole"},
	code.SQLITE_IOERR_DIR_FSYNC:         {unknown, true, "read: fsync(2) of the folder failed, maybe after the commit"},
	code.SQLITE_IOERR_TRUNCATE:          {unknown, true, "read: ftruncate(2) failed"},
	code.SQLITE_IOERR_FSTAT:             {unknown, true, "read: fstat(2) failed"},
	code.SQLITE_IOERR_UNLOCK:            {passes, true, "read: NFS: the lock service is away"},
	code.SQLITE_IOERR_RDLOCK:            {passes, true, "read: NFS: the lock service is away"},
	code.SQLITE_IOERR_LOCK:              {passes, true, "read: NFS: the lock service is away"},
	code.SQLITE_IOERR_CHECKRESERVEDLOCK: {passes, true, "read: NFS: the lock service is away"},
	code.SQLITE_IOERR_BLOCKED:           {passes, false, "read: no longer used"},
	code.SQLITE_IOERR_DELETE:            {unknown, true, "read: unlink(2) of the journal failed"},
	code.SQLITE_IOERR_DELETE_NOENT:      {unknown, true, "read: somebody else removed the journal"},
	code.SQLITE_IOERR_NOMEM:             {passes, false, "read: there is no memory now"},
	code.SQLITE_IOERR_ACCESS:            {unknown, true, "read: access(2) failed"},
	code.SQLITE_IOERR_CLOSE:             {unknown, true, "read: close(2) failed"},
	code.SQLITE_IOERR_DIR_CLOSE:         {unknown, true, "read: no longer used"},
	code.SQLITE_IOERR_SHMOPEN:           {unknown, true, "read: the -shm file cannot be opened"},
	code.SQLITE_IOERR_SHMSIZE:           {passes, true, "read: the -shm file cannot grow, as on a full disk"},
	code.SQLITE_IOERR_SHMLOCK:           {passes, true, "read: no longer used"},
	code.SQLITE_IOERR_SHMMAP:            {unknown, true, "read: the -shm file cannot be mapped"},
	code.SQLITE_IOERR_SEEK:              {unknown, true, "read: lseek(2) failed"},
	code.SQLITE_IOERR_MMAP:              {unknown, true, "read: the file cannot be mapped"},
	code.SQLITE_IOERR_GETTEMPPATH:       {passes, false, "read: there is no folder for temporary files"},
	code.SQLITE_IOERR_CONVPATH:          {stays, false, "read: Cygwin only; the path cannot be converted"},
	code.SQLITE_IOERR_VNODE:             {passes, true, "read: macOS: the file was moved or removed"},
	code.SQLITE_IOERR_AUTH:              {unknown, true, "read: of macOS"},
	code.SQLITE_IOERR_BEGIN_ATOMIC:      {unknown, true, "read: F2FS: a transaction of the file system"},
	code.SQLITE_IOERR_COMMIT_ATOMIC:     {unknown, true, "read: F2FS: a transaction of the file system"},
	code.SQLITE_IOERR_ROLLBACK_ATOMIC:   {unknown, true, "read: F2FS: a transaction of the file system"},
	code.SQLITE_IOERR_DATA:              {unknown, true, "read: a page has a wrong checksum"},
	code.SQLITE_IOERR_CORRUPTFS:         {unknown, true, "read: the file system is damaged"},
	code.SQLITE_IOERR_IN_PAGE:           {unknown, true, "read: a mapped page cannot be read, as of a file that was cut"},
	code.SQLITE_IOERR_BADKEY:            {stays, false, "read: of encrypted databases"},
	code.SQLITE_IOERR_CODEC:             {stays, false, "read: of encrypted databases"},
}

// meaningOf returns the meaning of a result code. An extended code that the
// table lacks, as of a newer SQLite, means what its primary code means.
func meaningOf(c int) meaning {
	if m, ok := meanings[c]; ok {
		return m
	}
	return meanings[c&0xFF]
}
