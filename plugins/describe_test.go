package plugins

import (
	"reflect"
	"testing"
	"time"
)

func TestOptionsOf(t *testing.T) {
	got := optionsOf(struct {
		Listen string        `opt:"listen"`
		Key    Secret        `opt:"key,required"`
		Wait   time.Duration `opt:"wait"`
		Made   int           // no option
	}{Listen: "127.0.0.1:1", Key: NewSecret("K", "hidden"), Wait: time.Second})
	want := []Option{
		{"listen", reflect.TypeFor[string](), false, "127.0.0.1:1"},
		{"key", reflect.TypeFor[Secret](), true, Secret{}},
		{"wait", reflect.TypeFor[time.Duration](), false, time.Second},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
