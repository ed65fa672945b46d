//go:build real

package programs

import "testing"

// TestRealKafka: a broker keeps what it has over a kill, deletes what it is told
// to, and can be reached by each of its ports.
func TestRealKafka(t *testing.T) {
	t.Parallel()
	k := StartKafka(t)
	k.CreateTopic("kept", 1)
	k.Produce("kept", "a\nb\nc\n")
	k.Kill()
	k.Start()
	if got := k.Consume("kept"); got != "a\nb\nc\n" {
		t.Errorf("after a kill: got %q", got)
	}
	k.DeleteRecords("kept", 0, 2)
	if got := k.Consume("kept"); got != "c\n" {
		t.Errorf("after records were deleted: got %q", got)
	}
	k.DeleteTopic("kept")
	k.CreateTopic("kept", 2, "max.message.bytes=1000")
	if got := k.Consume("kept"); got != "" {
		t.Errorf("after the topic was deleted: got %q", got)
	}
	k.Stop()
	k.Start()
	k.Produce("kept", "d\n", "-p", "0")
	// Not SCRAM: librdkafka before 2.6.1 repeats its nonce, which Kafka 4 refuses
	// (https://github.com/confluentinc/librdkafka/pull/4895).
	for _, args := range [][]string{
		{"-b", k.TLS, "-X", "security.protocol=ssl", "-X", "ssl.certificate.location=" + k.Cert, "-X", "ssl.key.location=" + k.Key},
		{"-b", k.SASL, "-X", "security.protocol=sasl_ssl", "-X", "sasl.mechanism=PLAIN"},
	} {
		args = append(args, "-X", "ssl.ca.location="+k.CA, "-X", "sasl.username="+KafkaUser, "-X", "sasl.password="+KafkaPassword)
		if got := k.Consume("kept", args...); got != "d\n" {
			t.Errorf("kcat %q: got %q", args, got)
		}
	}
}
