package bearer_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/httpadapter/oidcauth/internal/bearer"
)

func request(values ...string) *http.Request {
	return &http.Request{Header: http.Header{"Authorization": values}}
}

func TestToken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		values []string
		why    error
	}{
		{[]string{"Bearer a.b.c"}, nil},
		{[]string{"bEARER a.b.c"}, nil},
		{nil, bearer.ErrNone},
		{[]string{}, bearer.ErrNone},
		{[]string{""}, bearer.ErrNone},
		{[]string{"Bearer"}, bearer.ErrNone},
		{[]string{"a.b.c"}, bearer.ErrNone},
		{[]string{"Basic a.b.c"}, bearer.ErrNone},
		{[]string{"Bearer a.b.c", "Bearer a.b.c"}, bearer.ErrNone},
		{[]string{"Bearer "}, bearer.ErrForm},
		{[]string{"Bearer  a.b.c"}, bearer.ErrForm},
		{[]string{"Bearer a.b.c "}, bearer.ErrForm},
		{[]string{"Bearer a.b"}, bearer.ErrForm},
		{[]string{"Bearer a.b.c.d"}, bearer.ErrForm},
		{[]string{"Bearer a.b.c="}, bearer.ErrForm},
		{[]string{"Bearer a.b.\x00"}, bearer.ErrForm},
		{[]string{"Bearer a.b.\u00e4"}, bearer.ErrForm},
		{[]string{"Bearer a.b." + strings.Repeat("c", 12)}, nil},
		{[]string{"Bearer a.b." + strings.Repeat("c", 13)}, bearer.ErrLong},
		{[]string{"Bearer " + strings.Repeat(".", 17)}, bearer.ErrLong},
	} {
		token, err := bearer.Token(request(tt.values...), 16)
		require.ErrorIs(t, err, tt.why, "%q", tt.values)
		if tt.why == nil {
			require.Equal(t, tt.values[0][len("Bearer "):], token)
		} else {
			require.Empty(t, token)
		}
	}
}

// TestLongHeadersCostNothing: what is too long is not looked at.
func TestLongHeadersCostNothing(t *testing.T) {
	r := request("Bearer " + strings.Repeat(".", 64<<20))
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = bearer.Token(r, bearer.DefaultMaxBytes) }))
}

func TestCheckHeader(t *testing.T) {
	t.Parallel()
	header := func(json string) string { return base64.RawURLEncoding.EncodeToString([]byte(json)) + ".b.c" }
	access := []string{"at+jwt", "application/access+jwt"}
	for _, tt := range []struct {
		token string
		types []string
		why   error
	}{
		{header(`{}`), nil, nil},
		{header(`{"typ":"anything"}`), nil, nil},
		{header(`{"typ":"AT+jwt"}`), access, nil},
		{header(`{"typ":"application/at+jwt"}`), access, nil},
		{header(`{"typ":"access+jwt"}`), access, nil},
		{header(`{"typ":"JWT"}`), access, bearer.ErrType},
		{header(`{}`), access, bearer.ErrType},
		{header(`{"crit":["b64"]}`), nil, bearer.ErrCrit},
		{header(`{"crit":[]}`), nil, bearer.ErrCrit},
		{header(`{"crit":"x"}`), nil, bearer.ErrCrit},
		{header(`{"typ":7}`), nil, bearer.ErrHeader},
		{header(`[]`), nil, bearer.ErrHeader},
		{header(`{} {}`), nil, bearer.ErrHeader},
		{header(``), nil, bearer.ErrHeader},
		{"A.b.c", nil, bearer.ErrHeader},
	} {
		require.ErrorIs(t, bearer.CheckHeader(tt.token, tt.types), tt.why, tt.token)
	}
}
