module github.com/parley-go/parley/httpadapter/oidcauth

go 1.25.0

replace github.com/parley-go/parley => ../..

require (
	github.com/coreos/go-oidc/v3 v3.21.0 // indirect
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	github.com/parley-go/parley v0.0.0 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	go.uber.org/goleak v1.3.0 // indirect
)
