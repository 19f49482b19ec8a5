package transcript

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Player plays transcripts against a server.
type Player struct {
	Base   string // where paths begin: http://127.0.0.1:1234
	Client *http.Client

	// Do does what a section "do" says. The words are what stands behind the
	// name and in the section.
	Do func(words []string) error

	// Observe, unless nil, is shown every exchange.
	Observe func(*Exchange) error
}

// Exchange is a request and its answer, both read to the end.
type Exchange struct {
	Request      *http.Request
	RequestBody  string
	Response     *http.Response
	ResponseBody string
}

// patience is how long a request is repeated for its response.
const patience = 10 * time.Second

// Play plays a transcript, and returns the first difference with its line.
func (p *Player) Play(ctx context.Context, archive string) error {
	v := make(vars)
	all := sections(archive)
	for i := 0; i < len(all); i++ {
		s := &all[i]
		var err error
		switch s.name {
		case "do":
			err = p.do(v, s)
		case "request":
			if i+1 == len(all) || all[i+1].name != "response" {
				return fmt.Errorf("line %d: a request without a response", s.line)
			}
			i++
			err = p.exchange(ctx, v, s, &all[i])
		default:
			err = fmt.Errorf("no section is named %q", s.name)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", s.line, err)
		}
	}
	return nil
}

func (p *Player) do(v vars, s *section) error {
	text, err := v.fill(s.text)
	if err != nil {
		return err
	}
	return p.Do(strings.Fields(text))
}

func (p *Player) exchange(ctx context.Context, v vars, request, response *section) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		again, x, err := p.send(ctx, v, request)
		if err != nil {
			return err
		}
		if p.Observe != nil {
			if err := p.Observe(x); err != nil {
				return err
			}
		}
		known := make(vars)
		for name, value := range v {
			known[name] = value
		}
		if err = known.response(response, x); err == nil {
			for name, value := range known {
				v[name] = value
			}
			return nil
		}
		if !again || ctx.Err() != nil {
			return err
		}
		pause := time.NewTimer(5 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
}

// send sends a request and reads the whole answer.
func (p *Player) send(ctx context.Context, v vars, s *section) (again bool, x *Exchange, err error) {
	first, headers, body, hasBody := s.head()
	if first, err = v.fill(first); err != nil {
		return false, nil, err
	}
	if body, err = v.fill(body); err != nil {
		return false, nil, err
	}
	method, path, _ := strings.Cut(first, " ")
	var reader io.Reader
	if hasBody {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, p.Base+path, reader)
	if err != nil {
		return false, nil, err
	}
	if hasBody {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		value, err := v.fill(h[1])
		if err != nil {
			return false, nil, err
		}
		switch h[0] {
		case "as":
			r.Header.Set("Authorization", "Bearer "+value)
		case "again":
			again = true
		default:
			r.Header.Set(h[0], value)
		}
	}
	res, err := p.Client.Do(r)
	if err != nil {
		return false, nil, err
	}
	defer func() { _ = res.Body.Close() }() // it was read to its end
	raw, err := io.ReadAll(res.Body)
	return again, &Exchange{r, body, res, string(raw)}, err
}

// response checks an answer.
func (v vars) response(s *section, x *Exchange) error {
	status, headers, body, hasBody := s.head()
	if got := fmt.Sprint(x.Response.StatusCode); got != status {
		return fmt.Errorf("got status %s, want %s: %s", got, status, x.ResponseBody)
	}
	for _, h := range headers {
		if err := v.text(h[1], strings.Join(x.Response.Header.Values(h[0]), ", ")); err != nil {
			return fmt.Errorf("header %s: %w", h[0], err)
		}
	}
	switch kind := x.Response.Header.Get("Content-Type"); {
	case !hasBody:
		return nil
	case strings.HasSuffix(kind, "json"):
		return v.json(body, x.ResponseBody)
	}
	return v.lines(body, x.ResponseBody)
}
