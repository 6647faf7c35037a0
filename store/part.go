package store

import "io"

// A part is the common part of a Feed and a Consumption. The Store closes it when the Store is
// closed, unless it was closed before.
type part struct {
	store *Store
	inner io.Closer // of the driver
}

// open registers the part with the Store.
func (p *part) open(s *Store, inner io.Closer) {
	p.store, p.inner = s, inner
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts[p] = struct{}{}
}

// close closes the part once.
func (p *part) close() error {
	if !p.store.calls.Enter() {
		<-p.store.closed // Close of the Store closes the part
		return nil
	}
	defer p.store.calls.Leave()
	p.store.mu.Lock()
	_, open := p.store.parts[p]
	delete(p.store.parts, p)
	p.store.mu.Unlock()
	if !open {
		return nil
	}
	return p.inner.Close()
}

func (p *part) isOpen() bool {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	_, open := p.store.parts[p]
	return open
}

// closeParts closes the open parts, and returns their errors.
func (s *Store) closeParts() (errs []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.parts {
		errs = append(errs, p.inner.Close())
	}
	clear(s.parts)
	return errs
}
