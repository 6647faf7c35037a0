package redis

// A Reply is an entry of the table of error replies.
type Reply struct{ Text, Class, Source, Ran string }

// Replies returns the table of error replies.
func Replies() (all []Reply) {
	for _, r := range replies {
		all = append(all, Reply{r.text, r.class.String(), r.source, r.ran})
	}
	return all
}

// ClassOfReply returns the class of an error reply.
func ClassOfReply(text string) string { return classOfReply(text).String() }

// ClassOf returns the class of an error.
func ClassOf(err error) string { return classOf(err).String() }
