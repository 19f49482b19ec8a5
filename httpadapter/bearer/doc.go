// Package bearer authenticates requests by the token in their Authorization
// header, for Options.Authenticate of package httpadapter:
//
//	auth, err := bearer.Static(map[string]conversation.Caller{
//		os.Getenv("OPS_TOKEN"): {Tenant: "acme", User: "ops", Permissions: conversation.PermReadWrite},
//	})
//	...
//	handler, err := httpadapter.New(engine, &httpadapter.Options{Authenticate: auth})
//
// Static knows a few tokens by heart. Verify hands the token to a function of
// the host's, which looks it up or checks its signature. Both read the header
// alike and strictly. There is no tenant, user or permission that anybody gets
// without saying so.
package bearer
