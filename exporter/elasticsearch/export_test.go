package elasticsearch

// Client returns the client, so that tests can send requests past the driver.
func (c *cluster) Client() Client { return c.client }
