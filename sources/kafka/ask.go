package kafka

import (
	"context"
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What is asked here has an answer for each topic and partition by itself: one
// that cannot be read must not keep the others from being read.

// topic is what the cluster says of a topic.
type topic struct {
	partitions []int32
	err        error
}

// askTopics asks for the topics of these names, or for all that we may see when
// there are none. One that is not in the answer is not there.
func (c *consumer) askTopics(ctx context.Context, names []string) (map[string]topic, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	ask := kmsg.NewPtrMetadataRequest()
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		ask.Topics = append(ask.Topics, t)
	}
	answer, err := ask.RequestWith(ctx, c.asking)
	if err != nil {
		return nil, err
	}
	out := make(map[string]topic)
	for _, t := range answer.Topics {
		if t.Topic == nil {
			continue
		}
		known := topic{err: kerr.ErrorForCode(t.ErrorCode)}
		for _, p := range t.Partitions {
			known.partitions = append(known.partitions, p.Partition)
		}
		out[*t.Topic] = known
	}
	return out, nil
}

// The times that stand for the end and the beginning of a partition in askOffsets:
// https://kafka.apache.org/protocol#The_Messages_ListOffsets.
const (
	atEnd   = -1
	atStart = -2
)

// listed is what the cluster says of a place in a partition.
type listed struct {
	offset int64
	err    error
}

var errNoAnswer = errors.New("the cluster said nothing of it")

// askOffsets asks for the first offset at or after a time, in milliseconds since
// 1970; it is negative when there is none. committed leaves out what transactions
// that are open have written. There is an answer for each of keys.
func (c *consumer) askOffsets(ctx context.Context, keys []partitionKey, millis int64, committed bool) map[partitionKey]listed {
	if len(keys) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	ask := kmsg.NewPtrListOffsetsRequest()
	ask.ReplicaID = -1
	if committed {
		ask.IsolationLevel = 1
	}
	out := make(map[partitionKey]listed, len(keys))
	for _, key := range keys {
		out[key] = listed{err: errNoAnswer}
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = key.number, millis
		i := slices.IndexFunc(ask.Topics, func(t kmsg.ListOffsetsRequestTopic) bool { return t.Topic == key.topic })
		if i < 0 {
			t := kmsg.NewListOffsetsRequestTopic()
			t.Topic = key.topic
			ask.Topics, i = append(ask.Topics, t), len(ask.Topics)
		}
		ask.Topics[i].Partitions = append(ask.Topics[i].Partitions, p)
	}
	for _, shard := range c.asking.RequestSharded(ctx, ask) {
		offsetsOf(shard, out)
	}
	return out
}

// offsetsOf puts what one broker has answered, or why it has not.
func offsetsOf(shard kgo.ResponseShard, out map[partitionKey]listed) {
	if shard.Err != nil {
		for _, t := range shard.Req.(*kmsg.ListOffsetsRequest).Topics {
			for _, p := range t.Partitions {
				out[partitionKey{t.Topic, p.Partition}] = listed{err: shard.Err}
			}
		}
		return
	}
	for _, t := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
		for _, p := range t.Partitions {
			out[partitionKey{t.Topic, p.Partition}] = listed{p.Offset, kerr.ErrorForCode(p.ErrorCode)}
		}
	}
}
