// Package oidcauth authenticates requests by bearer tokens that an issuer of
// OpenID Connect, or any that publishes its keys as a JWKS, has signed. For keys
// that the host knows, take package jwtauth.
//
//	auth, err := oidcauth.New(ctx, &oidcauth.Options{
//		Issuer:   "https://login.example.com/",
//		Audience: []string{"https://chat.example.com"},
//		Claims: claims.Mapping{
//			Tenant: "org_id",
//			Grants: []claims.Grant{
//				{Claim: "scope", Value: "chat:read", Permissions: conversation.PermRead},
//				{Claim: "scope", Value: "chat:write", Permissions: conversation.PermReadWrite},
//				{Claim: "/realm_access/roles", Value: "chat-admin", Admin: true},
//			},
//		},
//	})
//	...
//	handler, err := httpadapter.New(engine, &httpadapter.Options{Authenticate: auth.Authenticate})
//
// A token is accepted when one of the issuer's keys has signed it, by an
// algorithm of Options, when its issuer and audience are those of Options, when
// it has an expiry that is not over, and when Options.Claims finds a tenant and a
// user in it. Fetching keys and checking signatures is go-oidc's work, checking
// times and audience golang-jwt's.
//
// Keys are fetched when the first token comes, kept, and fetched again when a
// token comes that none of them has signed. So a new key is taken as soon as it
// is used, and an old one until the next fetch finds it gone.
//
// It is a module of its own, so that hosts that do not use it have none of its
// dependencies.
package oidcauth
