package testenv

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// echo starts a server that sends back all data. The result returns that data.
func echo(t *testing.T) (addr string, got chan []byte) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got = make(chan []byte, 16)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				var all bytes.Buffer
				_, _ = io.Copy(c, io.TeeReader(c, &all)) // tests reset the connection
				got <- all.Bytes()
			}()
		}
	}()
	return l.Addr().String(), got
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func exchange(t *testing.T, c net.Conn, text string) error {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	back := make([]byte, len(text))
	_, err := io.ReadFull(c, back)
	if err == nil && string(back) != text {
		t.Errorf("%q came back as %q", text, back)
	}
	return err
}

func TestProxyPassesEverythingOn(t *testing.T) {
	addr, got := echo(t)
	p := NewProxy(t, addr)
	c := dial(t, p)
	big := string(bytes.Repeat([]byte("0123456789"), 100_000))
	if err := exchange(t, c, "hello"); err != nil {
		t.Fatal(err)
	}
	go io.WriteString(c, big)
	if back, err := io.ReadAll(io.LimitReader(c, int64(len(big)))); err != nil || string(back) != big {
		t.Fatalf("%d bytes of %d came back, %v", len(back), len(big), err)
	}
	c.Close()
	if all := <-got; string(all) != "hello"+big || p.Bytes() != int64(len(all)) {
		t.Errorf("%d bytes arrived, %d were counted", len(all), p.Bytes())
	}
}

func TestProxyCutsInMidMessage(t *testing.T) {
	addr, got := echo(t)
	p := NewProxy(t, addr)
	p.CutAfter(8)
	told := make(chan int, 1)
	p.AtCut(func() { told <- p.Cuts() })
	c := dial(t, p)
	if err := exchange(t, c, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := exchange(t, c, "goodbye"); err == nil {
		t.Fatal("the connection goes on")
	}
	const sent = "hellogoodbye" // a reset may lose what the server has not read yet
	if all := <-got; !strings.HasPrefix(sent[:8], string(all)) || p.Bytes() != 8 || p.Cuts() != 1 {
		t.Errorf("%q arrived; %d bytes, %d cuts", all, p.Bytes(), p.Cuts())
	}
	if cuts := <-told; cuts != 1 {
		t.Errorf("AtCut was called with %d cuts", cuts)
	}
	if err := exchange(t, dial(t, p), "again"); err != nil {
		t.Errorf("it cuts once, and then: %v", err)
	}
}

// The server receives the whole request, and the client a part of the answer.
func TestProxyCutsAnswers(t *testing.T) {
	addr, got := echo(t)
	p := NewProxy(t, addr)
	p.CutAnswersAfter(8)
	c := dial(t, p)
	if err := exchange(t, c, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := exchange(t, c, "goodbye"); err == nil {
		t.Fatal("the connection goes on")
	}
	if all := <-got; string(all) != "hellogoodbye" || p.Bytes() != int64(len(all)) || p.Cuts() != 1 {
		t.Errorf("%q arrived; %d bytes, %d cuts", all, p.Bytes(), p.Cuts())
	}
	if err := exchange(t, dial(t, p), "again"); err != nil {
		t.Errorf("it cuts once, and then: %v", err)
	}
}

func TestProxyDelays(t *testing.T) {
	addr, _ := echo(t)
	p := NewProxy(t, addr)
	p.Delay(60 * time.Millisecond)
	began := time.Now()
	if err := exchange(t, dial(t, p), "hello"); err != nil || time.Since(began) < 120*time.Millisecond {
		t.Errorf("%v after %v; want 60 ms each way", err, time.Since(began))
	}
}

func TestProxyIsABlackHole(t *testing.T) {
	addr, _ := echo(t)
	p := NewProxy(t, addr)
	before := dial(t, p)
	if err := exchange(t, before, "hello"); err != nil {
		t.Fatal(err)
	}
	p.Blackhole(true)
	during := dial(t, p)
	for _, c := range []net.Conn{before, during} {
		io.WriteString(c, "anybody?")
		c.SetReadDeadline(time.Now().Add(80 * time.Millisecond))
		if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d bytes, %v; want silence", n, err)
		}
	}
	p.Blackhole(false)
	for _, c := range []net.Conn{before, during} {
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		back := make([]byte, 8)
		if _, err := io.ReadFull(c, back); err != nil || string(back) != "anybody?" {
			t.Errorf("%q, %v; want what waited", back, err)
		}
	}
}

func TestProxyResetsAndRefuses(t *testing.T) {
	addr, _ := echo(t)
	p := NewProxy(t, addr)
	c := dial(t, p)
	if err := exchange(t, c, "hello"); err != nil {
		t.Fatal(err)
	}
	p.Reset()
	if err := exchange(t, c, "hello"); err == nil {
		t.Error("the connection goes on")
	}
	p.Refuse(true)
	if c, err := net.Dial("tcp", p.Addr()); err == nil { // Dial fails if the reset is faster
		if err := exchange(t, c, "hello"); err == nil {
			t.Error("a new connection is served")
		}
		c.Close()
	}
	p.Refuse(false)
	if err := exchange(t, dial(t, p), "hello"); err != nil {
		t.Error(err)
	}
}

func TestProxySwitches(t *testing.T) {
	first, gotFirst := echo(t)
	second, gotSecond := echo(t)
	p := NewProxy(t, first)
	before := dial(t, p)
	if err := exchange(t, before, "to the first"); err != nil {
		t.Fatal(err)
	}
	p.Switch(second)
	if err := exchange(t, before, "hello"); err == nil {
		t.Error("an open connection is not reset")
	}
	after := dial(t, p)
	if err := exchange(t, after, "to the second"); err != nil {
		t.Fatal(err)
	}
	after.Close()
	if a, b := <-gotFirst, <-gotSecond; string(a) != "to the first" || string(b) != "to the second" {
		t.Errorf("the first server got %q, the second %q", a, b)
	}
}

// A test also ends if Blackhole is still on.
func TestProxyEndsInABlackHole(t *testing.T) {
	addr, _ := echo(t)
	t.Run("", func(t *testing.T) {
		p := NewProxy(t, addr)
		p.Blackhole(true)
		io.WriteString(dial(t, p), "hello")
		time.Sleep(10 * time.Millisecond)
	})
}
