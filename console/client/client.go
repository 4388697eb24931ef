// Package client is the desk over HTTP: the API of another process, with a token.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/simshift/simshift/console/api"
)

// root is what every path of the API begins with.
const root = "/api/v1"

// mostProblem is the most that is read of an error, in bytes.
const mostProblem = 64 << 10

// Client works at the desk of another process.
type Client struct {
	server string
	token  string
	http   *http.Client
}

var _ api.Desk = (*Client)(nil)

// New makes a client of a server, as https://simshift.example.com. The token is sent to it and to nobody else: redirects are
// not followed.
func New(server, token string) *Client {
	return &Client{
		server: strings.TrimSuffix(server, "/"), token: token,
		http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// call asks for something, and reads the answer's JSON into a value.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	answer, err := c.ask(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	return c.read(answer, into)
}

// copy asks for something, and writes the answer as it comes.
func (c *Client) copy(ctx context.Context, method, path string, query url.Values, body any, to io.Writer) error {
	answer, err := c.ask(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(to, answer.Body); err != nil {
		return &api.Failure{Code: api.Broken, Err: fmt.Errorf("the answer broke off: %w", err), Hint: "what was written is not whole; ask again"}
	}
	return nil
}

// ask sends a value as JSON; nil: nothing.
func (c *Client) ask(ctx context.Context, method, path string, query url.Values, body any) (*http.Response, error) {
	if body == nil {
		return c.send(ctx, method, path, query, "", nil)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, method, path, query, "application/json", bytes.NewReader(text))
}

func (c *Client) read(answer *http.Response, into any) error {
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return c.strange(fmt.Errorf("its answer is not understood: %w", err))
	}
	return nil
}

// send sends a request. An answer that is no success is an error.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, kind string, body io.Reader) (*http.Response, error) {
	address := c.server + root + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		request.Header.Set("Content-Type", kind)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &api.Failure{Code: api.Broken, Err: fmt.Errorf("ask %s: %w", c.server, cmp.Or(errors.Unwrap(err), err)),
			Hint: "see that `simshift serve` runs there with a console, and that --server names it"}
	}
	if answer.StatusCode/100 == 2 {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }()
	return nil, c.problem(answer)
}

// problem makes an error of an answer that is none of ours to give.
func (c *Client) problem(answer *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(answer.Body, mostProblem))
	var p api.Problem
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/problem+json") || json.Unmarshal(text, &p) != nil {
		return c.strange(fmt.Errorf("it answers %s", answer.Status))
	}
	p.Status = answer.StatusCode
	if p.Status == http.StatusUnauthorized {
		p.Hint = "name the file with your token with --token-file; `simshift tokens add` makes one, where the server is"
	}
	return p.Err()
}

// strange is an answer that no server of this version gives.
func (c *Client) strange(err error) error {
	return &api.Failure{Code: api.Broken, Err: fmt.Errorf("%s: %w", c.server, err),
		Hint: "--server names the console of `simshift serve` of this version, not another program or a proxy's own page"}
}
