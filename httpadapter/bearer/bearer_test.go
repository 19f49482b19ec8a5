package bearer_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter/bearer"
)

func request(headers ...string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil)
	for _, h := range headers {
		r.Header.Add("Authorization", h)
	}
	return r
}

func TestToken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		headers []string
		token   string
		err     error
	}{
		{[]string{"Bearer abc.DEF-1_~+/=="}, "abc.DEF-1_~+/==", nil},
		{[]string{"bearer abc"}, "abc", nil},
		{[]string{"BEARER  abc"}, "abc", nil},
		{[]string{"Bearer " + strings.Repeat("x", bearer.MaxToken)}, strings.Repeat("x", bearer.MaxToken), nil},
		{nil, "", bearer.ErrNoToken},
		{[]string{""}, "", bearer.ErrNoToken},
		{[]string{"Bearer"}, "", bearer.ErrNoToken},
		{[]string{"Basic abc"}, "", bearer.ErrNoToken},
		{[]string{"Bearerabc"}, "", bearer.ErrNoToken},
		{[]string{"Bearer "}, "", bearer.ErrBadToken},
		{[]string{"Bearer ="}, "", bearer.ErrBadToken},
		{[]string{"Bearer a b"}, "", bearer.ErrBadToken},
		{[]string{"Bearer a=b"}, "", bearer.ErrBadToken},
		{[]string{"Bearer a,b"}, "", bearer.ErrBadToken},
		{[]string{"Bearer \u00fc"}, "", bearer.ErrBadToken},
		{[]string{"Bearer abc", "Bearer abc"}, "", bearer.ErrBadToken},
		{[]string{"Bearer " + strings.Repeat("x", bearer.MaxToken+1)}, "", bearer.ErrBadToken},
	} {
		token, err := bearer.Token(request(tt.headers...))
		require.ErrorIs(t, err, tt.err, "%q", tt.headers)
		require.Equal(t, tt.token, token)
	}
}

var (
	ann = conversation.Caller{Tenant: "acme", User: "ann", Permissions: conversation.PermReadWrite}
	bob = conversation.Caller{Tenant: "acme", User: "bob", Permissions: conversation.PermRead}
)

const (
	annToken = "0123456789abcdef-ann"
	bobToken = "0123456789abcdef-bob"
)

func TestStatic(t *testing.T) {
	t.Parallel()
	auth, err := bearer.Static(map[string]conversation.Caller{annToken: ann, bobToken: bob})
	require.NoError(t, err)
	for token, want := range map[string]conversation.Caller{annToken: ann, bobToken: bob} {
		got, err := auth(request("Bearer " + token))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, wrong := range []string{"0123456789abcdef-eve", annToken + "x", annToken[1:], "x"} {
		got, err := auth(request("Bearer " + wrong))
		require.ErrorIs(t, err, bearer.ErrBadToken)
		require.Zero(t, got)
	}
	_, err = auth(request())
	require.ErrorIs(t, err, bearer.ErrNoToken)
}

func TestStaticRefuses(t *testing.T) {
	t.Parallel()
	for name, tokens := range map[string]map[string]conversation.Caller{
		"none":          {},
		"short":         {"0123456789abcde": ann},
		"empty":         {"": ann},
		"spaces":        {"0123456789 abcdef": ann},
		"no tenant":     {annToken: {User: "ann", Permissions: conversation.PermRead}},
		"no user":       {annToken: {Tenant: "acme", Permissions: conversation.PermRead}},
		"no permission": {annToken: {Tenant: "acme", User: "ann"}},
	} {
		_, err := bearer.Static(tokens)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "0123456789", "the token is not for a log")
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	unknown := errors.New("no such session")
	auth := bearer.Verify(func(_ context.Context, token string) (conversation.Caller, error) {
		if token == "good" {
			return ann, nil
		}
		return conversation.Caller{}, unknown
	})
	got, err := auth(request("Bearer good"))
	require.NoError(t, err)
	require.Equal(t, ann, got)
	_, err = auth(request("Bearer other"))
	require.ErrorIs(t, err, unknown)
	_, err = auth(request("Bearer a b"))
	require.ErrorIs(t, err, bearer.ErrBadToken)
}

func FuzzToken(f *testing.F) {
	for _, s := range []string{"Bearer abc", "Bearer", "bearer  x=", "Basic x", "Bearer \x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		token, err := bearer.Token(request(header))
		if err != nil {
			require.Empty(t, token)
			return
		}
		require.NotEmpty(t, token)
		require.True(t, strings.HasSuffix(header, token))
		require.NotContains(t, token, " ")
	})
}
