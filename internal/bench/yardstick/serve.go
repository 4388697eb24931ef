package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// callback is the carrier's word on one device, in the shape of its document's example.
type callback struct {
	Username  string       `json:"username"`
	Password  string       `json:"password"`
	RequestID string       `json:"requestId"`
	Devices   []identifier `json:"deviceIds"`
	Response  struct {
		Profile struct {
			Devices []identifier `json:"deviceIdentifierCollection"`
			State   string       `json:"state"`
			Status  string       `json:"profileStatus"`
			Role    string       `json:"profileRole"`
		} `json:"deviceProfileResponse"`
	} `json:"deviceResponse"`
	Status string `json:"status"`
	Fault  struct {
		Code string `json:"faultcode"`
		Text string `json:"faultstring"`
	} `json:"faultResponse"`
	Count int `json:"callbackCount"`
	Most  int `json:"maxCallbackThreshold"`
}

type identifier struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
}

func (c *callback) eid() string {
	for _, device := range c.Devices {
		if strings.EqualFold(device.Kind, "eid") {
			return device.ID
		}
	}
	return ""
}

// bare decodes a callback and does nothing with it.
func bare(w http.ResponseWriter, r *http.Request) {
	var c callback
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil || c.eid() == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// settling writes a callback, with the job's count, in one transaction.
func settling(rdb *redis.Client) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var c callback
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil || c.eid() == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		state := "failed"
		if c.Status == "SUCCESS" {
			state = "succeeded"
		}
		_, err := rdb.TxPipelined(r.Context(), func(pipe redis.Pipeliner) error {
			pipe.HSet(r.Context(), deviceKey(c.eid()), "state", state, "fault", c.Fault.Code, "request_id", c.RequestID,
				"settled_at", time.Now().UTC().Format(time.RFC3339))
			pipe.HIncrBy(r.Context(), "job", state, 1)
			return nil
		})
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusOK)
	}
}

// listen serves callbacks until ctx is done, and says where.
func listen(ctx context.Context, handler http.HandlerFunc) error {
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "listening for callbacks address=%s\n", socket.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
