// Package hostile generates notifications that document stores refuse, change or
// lose if they store them as documents: infos whose keys have values of another
// kind in each document, thousands of different keys, deep nesting, numbers and
// characters that JSON or BSON cannot hold, ids and times of odd forms. It also
// checks that a store returns all of them unchanged.
//
// The values of [Notifications] depend on the seed and the number only.
package hostile
