package rabbitmq

import (
	"net"
	"sync"
)

// A wire is a network connection that remembers why it ended, because the client library keeps
// only the text of such errors. It also remembers how the server's first answer began.
type wire struct {
	net.Conn
	raw net.Conn // below TLS

	mu    sync.Mutex
	err   error
	first byte
	begun bool
}

// recordAlert and recordHandshake are the first bytes of the answers of a server that expects
// TLS.
const (
	recordAlert     = 0x15
	recordHandshake = 0x16
)

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	if n > 0 && !w.begun {
		w.first, w.begun = p[0], true
	}
	w.mu.Unlock()
	if err != nil {
		w.end(err)
	}
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	if err != nil {
		w.end(err)
	}
	return n, err
}

// end records the reason of the first call.
func (w *wire) end(reason error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = reason
	}
}

// kill closes the connection for a reason.
func (w *wire) kill(reason error) {
	w.end(reason)
	_ = w.raw.Close() // TLS would try to send its closing alert
}

// reason returns why the connection ended, or nil.
func (w *wire) reason() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// speaksTLS reports whether the server answered in TLS although this side did not use TLS.
func (w *wire) speaksTLS() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun && (w.first == recordAlert || w.first == recordHandshake)
}

// answered reports whether the server has sent anything.
func (w *wire) answered() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun
}
