package tags

import "strings"

// placeholder reads a placeholder of any style, if there is one at the current position.
func (s *sqlScanner) placeholder() bool {
	end := s.at + 1
	switch c := s.text[s.at]; {
	case c == '?' || (c == '$' || c == ':') && isSQLDigit(s.peek(1)):
		const most = 5 // digits of the number of a placeholder
		if end = s.endOfWord(end, isSQLDigit); end-s.at > most+1 || c == ':' && s.brackets > 0 {
			return false
		}
	case c == ':' && s.peek(1) == ':': // a cast
		s.at, s.last = s.at+2, sqlStart
		return true
	case c == '@' && isSQLDigit(s.peek(1)):
		return false
	case (c == ':' || c == '@') && isSQLWordByte(s.peek(1)), c == '@' && s.peek(1) == '@':
		end = s.endOfWord(end, func(c byte) bool { return isSQLWordByte(c) || c == '@' || c == '.' })
	case c == '%' && s.peek(1) == 's' && !isSQLWordByte(s.peek(2)):
		end++
	case c == '%' && s.peek(1) == '(':
		end = s.endOfNamed(end + 1)
	default:
		return false
	}
	if end < 0 {
		return false
	}
	s.at, s.last = end, sqlEnd
	return true
}

// endOfNamed returns the index after %(name)s, or -1 if the text is no such placeholder.
func (s *sqlScanner) endOfNamed(at int) int {
	end := s.endOfWord(at, func(c byte) bool { return isSQLWordByte(c) || c == ' ' || c == '.' || c == '-' })
	if end == at || !strings.HasPrefix(s.text[end:], ")s") {
		return -1
	}
	return end + len(")s")
}
