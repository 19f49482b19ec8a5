package claims_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-go/parley/conversation"
	"github.com/parley-go/parley/httpadapter/oidcauth/claims"
)

func decode(t *testing.T, token string) map[string]any {
	t.Helper()
	var c map[string]any
	require.NoError(t, json.Unmarshal([]byte(token), &c))
	return c
}

const (
	read  = conversation.PermRead
	write = conversation.PermReadWrite
)

func TestCaller(t *testing.T) {
	t.Parallel()
	by := func(claim, value string) claims.Mapping {
		return claims.Mapping{Tenant: "t", Grants: []claims.Grant{{Claim: claim, Value: value, Permissions: write}}}
	}
	may := func(p conversation.Permission) conversation.Caller {
		return conversation.Caller{Tenant: "acme", User: "u", Permissions: p}
	}
	for name, tt := range map[string]struct {
		mapping claims.Mapping
		token   string
		want    conversation.Caller
	}{
		"everyone":             {claims.Mapping{Tenant: "t", Everyone: read}, `{"t":"acme","sub":"u"}`, may(read)},
		"nothing granted":      {by("scope", "w"), `{"t":"acme","sub":"u"}`, may(0)},
		"word":                 {by("scope", "w"), `{"t":"acme","sub":"u","scope":"r w x"}`, may(write)},
		"only word":            {by("scope", "w"), `{"t":"acme","sub":"u","scope":"w"}`, may(write)},
		"part of a word":       {by("scope", "w"), `{"t":"acme","sub":"u","scope":"ww w:x"}`, may(0)},
		"other case":           {by("scope", "w"), `{"t":"acme","sub":"u","scope":"W"}`, may(0)},
		"other name":           {by("scope", "w"), `{"t":"acme","sub":"u","Scope":"w"}`, may(0)},
		"list":                 {by("roles", "w"), `{"t":"acme","sub":"u","roles":["r",7,null,{"w":"w"},["w"],"w"]}`, may(write)},
		"nested list":          {by("roles", "w"), `{"t":"acme","sub":"u","roles":[["w"]]}`, may(0)},
		"words of a list":      {by("roles", "w"), `{"t":"acme","sub":"u","roles":["r w"]}`, may(0)},
		"true":                 {by("writer", "true"), `{"t":"acme","sub":"u","writer":true}`, may(write)},
		"false":                {by("writer", "true"), `{"t":"acme","sub":"u","writer":false}`, may(0)},
		"false is not a word":  {by("writer", "false"), `{"t":"acme","sub":"u","writer":false}`, may(0)},
		"number":               {by("writer", "1"), `{"t":"acme","sub":"u","writer":1}`, may(0)},
		"object":               {by("roles", "w"), `{"t":"acme","sub":"u","roles":{"w":true}}`, may(0)},
		"pointer":              {by("/realm_access/roles", "w"), `{"t":"acme","sub":"u","realm_access":{"roles":["w"]}}`, may(write)},
		"pointer into nothing": {by("/realm_access/roles", "w"), `{"t":"acme","sub":"u","realm_access":["w"]}`, may(0)},
		"pointer with slash":   {by("/a~1b/c~0d", "w"), `{"t":"acme","sub":"u","a/b":{"c~d":"w"}}`, may(write)},
		"tenant by URL": {
			claims.Mapping{Tenant: "https://example.com/tenant", Everyone: read},
			`{"https://example.com/tenant":"acme","sub":"u"}`, may(read),
		},
		"tenant by pointer": {claims.Mapping{Tenant: "/org/id", Everyone: read}, `{"org":{"id":"acme"},"sub":"u"}`, may(read)},
		"another user claim": {
			claims.Mapping{Tenant: "t", User: "oid", Everyone: read}, `{"t":"acme","oid":"u","sub":"pairwise"}`, may(read),
		},
		"name and picture": {
			claims.Mapping{Tenant: "t", Everyone: read}, `{"t":"acme","sub":"u","name":"Ann","picture":"https://x/y.png"}`,
			conversation.Caller{Tenant: "acme", User: "u", Permissions: read, Name: "Ann", AvatarURL: "https://x/y.png"},
		},
		"names that cannot be shown": {
			claims.Mapping{Tenant: "t", Everyone: read}, `{"t":"acme","sub":"u","name":"A\u0000","picture":["x"]}`, may(read),
		},
		"admin": {
			claims.Mapping{Tenant: "t", Everyone: read, Grants: []claims.Grant{{Claim: "roles", Value: "admin", Admin: true}}},
			`{"t":"acme","sub":"u","roles":["admin"]}`,
			conversation.Caller{Tenant: "acme", User: "u", Permissions: read, Admin: true},
		},
		"grants add up": {
			claims.Mapping{Tenant: "t", Grants: []claims.Grant{
				{Claim: "scope", Value: "r", Permissions: conversation.PermRead},
				{Claim: "scope", Value: "w", Permissions: conversation.PermWrite},
				{Claim: "scope", Value: "slack", Channel: conversation.ChannelSlack},
				{Claim: "scope", Value: "w", Channel: conversation.ChannelTeams},
			}},
			`{"t":"acme","sub":"u","scope":"w slack r"}`,
			conversation.Caller{Tenant: "acme", User: "u", Permissions: write, Channel: conversation.ChannelSlack},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, tt.mapping.Validate())
			got, err := tt.mapping.Caller(decode(t, tt.token))
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestCallerNeedsTenantAndUser(t *testing.T) {
	t.Parallel()
	m := claims.Mapping{Tenant: "tenant", Tenants: []string{"acme", "globex"}, Everyone: read}
	long := strings.Repeat("a", 256)
	for token, why := range map[string]error{
		`{"sub":"u"}`:                                claims.ErrNoTenant,
		`{"tenant":null,"sub":"u"}`:                  claims.ErrNoTenant,
		`{"tenant":"","sub":"u"}`:                    claims.ErrNoTenant,
		`{"tenant":7,"sub":"u"}`:                     claims.ErrNoTenant,
		`{"tenant":["acme"],"sub":"u"}`:              claims.ErrNoTenant,
		`{"tenant":"acme ","sub":"u"}`:               claims.ErrNoTenant,
		`{"tenant":"ac\nme","sub":"u"}`:              claims.ErrNoTenant,
		`{"Tenant":"acme","sub":"u"}`:                claims.ErrNoTenant,
		`{"tid":"acme","org":"acme","sub":"u"}`:      claims.ErrNoTenant,
		`{"tenant":"` + long + `","sub":"u"}`:        claims.ErrNoTenant,
		`{"tenant":"evil","sub":"u"}`:                claims.ErrTenant,
		`{"tenant":"ACME","sub":"u"}`:                claims.ErrTenant,
		`{"tenant":"acme"}`:                          claims.ErrNoUser,
		`{"tenant":"acme","sub":""}`:                 claims.ErrNoUser,
		`{"tenant":"acme","sub":1}`:                  claims.ErrNoUser,
		`{"tenant":"acme","email":"u@acme.example"}`: claims.ErrNoUser,
	} {
		got, err := m.Caller(decode(t, token))
		require.ErrorIs(t, err, why, token)
		require.Zero(t, got)
	}
	got, err := m.Caller(decode(t, `{"tenant":"globex","sub":"u"}`))
	require.NoError(t, err)
	require.Equal(t, "globex", got.Tenant)
}

func TestValidate(t *testing.T) {
	t.Parallel()
	grant := func(g claims.Grant) claims.Mapping { return claims.Mapping{Tenant: "t", Grants: []claims.Grant{g}} }
	for what, m := range map[string]claims.Mapping{
		"Tenant is needed":      {Everyone: read},
		"Tenants[1]":            {Tenant: "t", Everyone: read, Tenants: []string{"acme", ""}},
		"Everyone or Grants":    {Tenant: "t"},
		"Everyone must":         {Tenant: "t", Everyone: 128},
		"Grants[0].Claim":       grant(claims.Grant{Value: "v", Admin: true}),
		"Grants[0].Value":       grant(claims.Grant{Claim: "c", Admin: true}),
		"Grants[0].Permissions": grant(claims.Grant{Claim: "c", Value: "v", Permissions: 4}),
		"Grants[0] must give":   grant(claims.Grant{Claim: "c", Value: "v"}),
	} {
		require.ErrorContains(t, m.Validate(), what)
	}
}
