package elasticsearch

// Client returns the client, so that tests can send requests past the driver.
func (c *cluster) Client() Client { return c.client }

var (
	DecodeDocument = decodeDocument
	DocumentID     = documentID
	ParseLayout    = parseLayout
	IDTerms        = idTerms
)

func (l layout) BaseID() string { return l.baseID }
func (l layout) Etype() string  { return l.etype }
