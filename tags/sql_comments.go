package tags

import "strings"

// lineComment hides the text of a comment that ends with the line.
func (s *sqlScanner) lineComment() {
	begin := s.at + 1
	if s.text[s.at] == '-' {
		begin++
	}
	end := strings.IndexByte(s.text[begin:], '\n')
	if end < 0 {
		end = len(s.text) - begin
	}
	s.commentText(begin, begin+end)
	s.at = begin + end
}

// commentText hides a comment's text, except the blanks around it.
func (s *sqlScanner) commentText(from, to int) {
	const blanks = " \t\r\n"
	text := strings.TrimLeft(s.text[from:to], blanks)
	from = to - len(text)
	if text = strings.TrimRight(text, blanks); text != "" {
		s.literals = append(s.literals, textRange{from, from + len(text)})
	}
}

// comment hides the text of a comment. Nested comments are parts of it, as in PostgreSQL. The
// text of /*! and of /*+ is SQL or names indices, so it is read as SQL.
func (s *sqlScanner) comment() {
	if c := s.peek(2); (c == '!' || c == '+') && !s.isHintComment() {
		s.at += 3
		return
	}
	begin := s.at + 2
	depth := 1
	for at := begin; at+1 < len(s.text); at++ {
		switch s.text[at : at+2] {
		case "/*":
			if s.assume(flatComments); s.dialect&flatComments == 0 {
				depth++
			}
			at++
		case "*/":
			if depth--; depth == 0 {
				s.commentText(begin, at)
				s.at = at + 2
				return
			}
			at++
		}
	}
	s.suspect(len(s.text)-len(strings.TrimLeft(s.text[begin:], " \t\r\n")), false)
	s.commentText(begin, len(s.text))
	s.at = len(s.text)
}
