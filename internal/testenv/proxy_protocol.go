package testenv

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgproto3"
)

// postgreSQLProtocol is the protocol of PostgreSQL. A message has a type, a length
// that includes the length itself, and a body. A client begins with messages
// without a type. The server answers a request for encryption by a single byte.
type postgreSQLProtocol struct {
	started    bool         // the client has sent its startup message
	singleByte atomic.Int32 // number of expected answers of one byte
}

// These numbers in place of a protocol version request encryption.
const (
	postgreSQLTLS = 80877103
	postgreSQLGSS = 80877104
)

func (d *postgreSQLProtocol) readRequest(r *bufio.Reader) ([]byte, error) {
	if d.started {
		return readPostgreSQL(r)
	}
	head, err := r.Peek(8)
	if err != nil {
		return nil, err
	}
	switch binary.BigEndian.Uint32(head[4:]) {
	case postgreSQLTLS, postgreSQLGSS:
		d.singleByte.Add(1)
	default:
		d.started = true
	}
	return readBytes(r, int(binary.BigEndian.Uint32(head)))
}

func (d *postgreSQLProtocol) readAnswer(r *bufio.Reader) ([]byte, error) {
	if _, err := r.Peek(1); err != nil { // when an answer is there, its request has been counted
		return nil, err
	}
	if d.singleByte.Load() > 0 {
		d.singleByte.Add(-1)
		return readBytes(r, 1)
	}
	return readPostgreSQL(r)
}

func readPostgreSQL(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(5)
	if err != nil {
		return nil, err
	}
	return readBytes(r, 1+int(binary.BigEndian.Uint32(head[1:])))
}

// isCommit examines the text of a simple query, and the text of a Parse message
// of the extended protocol, which follows an empty name.
func (d *postgreSQLProtocol) isCommit(m []byte) bool {
	text, _, _ := bytes.Cut(bytes.TrimPrefix(m[min(5, len(m)):], []byte{0}), []byte{0})
	return (m[0] == 'Q' || m[0] == 'P') && isCommit(text)
}

func (d *postgreSQLProtocol) rollback(m []byte) []byte {
	i := bytes.Index(bytes.ToUpper(m), []byte("COMMIT"))
	m = append(append(bytes.Clone(m[:i]), "ROLLBACK"...), m[i+len("COMMIT"):]...)
	binary.BigEndian.PutUint32(m[1:], uint32(len(m)-1))
	return m
}

// outcome accepts CommandComplete and ErrorResponse.
func (d *postgreSQLProtocol) outcome(m []byte) bool { return m[0] == 'C' || m[0] == 'E' }

// failure returns an ErrorResponse. It is fatal for the codes with which a server
// ends the session.
func (d *postgreSQLProtocol) failure(_ []byte, code string) []byte {
	severity := "ERROR"
	if strings.HasPrefix(code, "57P") {
		severity = "FATAL"
	}
	m, err := (&pgproto3.ErrorResponse{Severity: severity, SeverityUnlocalized: severity, Code: code, Message: "the proxy of the test says so"}).Encode(nil)
	if err != nil {
		panic(err)
	}
	return m
}

// mysqlProtocol is the protocol of MySQL. A packet has a length in three bytes, a
// sequence number, and a body. A request has the sequence number 0.
type mysqlProtocol struct{}

const mysqlQuery = 3 // COM_QUERY

func (mysqlProtocol) readRequest(r *bufio.Reader) ([]byte, error) { return readMySQL(r) }
func (mysqlProtocol) readAnswer(r *bufio.Reader) ([]byte, error)  { return readMySQL(r) }

func readMySQL(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(4)
	if err != nil {
		return nil, err
	}
	return readBytes(r, 4+int(head[0])+int(head[1])<<8+int(head[2])<<16)
}

func (mysqlProtocol) isCommit(m []byte) bool {
	return len(m) > 5 && m[3] == 0 && m[4] == mysqlQuery && isCommit(m[5:])
}

func (mysqlProtocol) rollback([]byte) []byte {
	return mysqlPacket(0, append([]byte{mysqlQuery}, "ROLLBACK"...))
}

// outcome accepts OK_Packet and ERR_Packet.
func (mysqlProtocol) outcome(m []byte) bool { return len(m) > 4 && (m[4] == 0 || m[4] == 0xff) }

func (mysqlProtocol) failure(outcome []byte, code string) []byte {
	var number uint16
	var state string
	if _, err := fmt.Sscanf(code, "%d (%5s)", &number, &state); err != nil {
		panic(fmt.Sprintf("the code %q should read like \"1213 (40001)\"", code))
	}
	body := binary.LittleEndian.AppendUint16([]byte{0xff}, number)
	return mysqlPacket(outcome[3], append(body, "#"+state+"the proxy of the test says so"...))
}

func mysqlPacket(number byte, body []byte) []byte {
	return append([]byte{byte(len(body)), byte(len(body) >> 8), byte(len(body) >> 16), number}, body...)
}

func isCommit(text []byte) bool {
	return strings.EqualFold(strings.Trim(string(text), "; \t\r\n"), "COMMIT")
}

func readBytes(r io.Reader, n int) ([]byte, error) {
	m := make([]byte, n)
	_, err := io.ReadFull(r, m)
	return m, err
}
