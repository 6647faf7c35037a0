// Package hostile generates notifications that document stores refuse, change or
// lose if they store them as documents. Examples are infos whose keys have values of
// another kind in each document, thousands of different keys, deep nesting, numbers
// and characters that JSON or BSON cannot hold, and ids and times of odd forms. The
// package also checks that a store returns all notifications unchanged.
//
// The values of [Notifications] depend only on the seed and the count.
package hostile
