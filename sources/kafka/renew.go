package kafka

import (
	"time"

	"tocsin/engine"
)

// renew begins topics anew that were deleted and made anew under us. The client
// reads them only once it was told to forget them. poll calls it, while it lets
// rebalances be.
func (c *consumer) renew() {
	for topic := range c.anew {
		delete(c.anew, topic)
		c.forget(topic)
		c.troubles.once("a topic was made anew while it was read", "it is read from its beginning", engine.Attr{Key: "topic", Value: topic})
		c.client.PurgeTopicsFromConsuming(topic)
		if !c.patterns { // else it is found again
			c.client.AddConsumeTopics(topic)
		}
	}
}

// forget lets go of the partitions of a topic that is not there any more. What the
// group knows of them says nothing about the new one.
func (c *consumer) forget(topic string) {
	var keys []partitionKey
	for _, p := range c.all() {
		if p.topic == topic {
			keys = append(keys, p.partitionKey)
		}
	}
	going := c.stop(keys)
	deadline := time.Now().Add(c.handOver)
	c.mu.Lock()
	c.renewed[topic] = true
	c.mu.Unlock()
	c.commits.Lock()
	defer c.commits.Unlock()
	for _, p := range going {
		p.wait(deadline, false)
		p.place.Forget()
	}
	c.drop(going)
}
