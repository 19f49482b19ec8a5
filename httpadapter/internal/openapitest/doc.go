// Package openapitest holds the OpenAPI document of the HTTP adapter against
// its routes and against real answers. It is a module of its own because of the
// library that judges, which hosts of the adapter should not have in their
// module graph.
package openapitest
