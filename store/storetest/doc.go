// Package storetest is the conformance suite for authors of a store.
//
// Every sentence of the contract in package store has a check here, named after
// the rule it holds. A new store is wired to all of it in ten lines:
//
//	func TestStore(t *testing.T) {
//		open := func(t *testing.T) store.Store { return mystore.Open(t, emptyDatabase(t)) }
//		storetest.Run(t, open)
//		storetest.RunModel(t, open)
//		storetest.RunLinearizable(t, open, storetest.Options{})
//		storetest.RunPair(t, func(t *testing.T) (store.Store, store.Store) {
//			database := emptyDatabase(t)
//			return mystore.Open(t, database), mystore.Open(t, database)
//		})
//	}
//
// Run holds one handle to the contract. RunPair does so with two handles onto
// one storage, as two engines on one database have them. RunModel makes random
// operations on the store and on a small reference and requires like answers;
// RunTwins does that for any two stores. RunLinearizable records what
// concurrent writers and readers saw and looks for one order that explains it.
//
// RunFrozen is for stores that can be given a clock: what holds when it stands
// still. Package faultstore makes any store fail as a database does, and
// RunLinearizable can be given a store wrapped in it.
//
// The checks compare leases with the store's clock only and never sleep: what
// needs time to pass polls, with a deadline.
package storetest
