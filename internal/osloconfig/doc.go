// Package osloconfig reads the configuration files of OpenStack services, such as
// /etc/nova/nova.conf, as the Python library oslo.config reads them.
//
// [Load] reads files and folders. [Config.Value] returns the value of one option, and
// [Config.Values] those of an option that may be set several times (MultiStrOpt).
// [Config.ConnectionString] and [Config.HMACKeys] return the settings for OSProfiler from
// the group [profiler] and the groups of oslo.messaging.
//
// Package osloconfig knows only the options of OSProfiler and their defaults. So a
// reference such as $my_ip is an error if no file sets my_ip, because only the service
// knows its default. Environment variables (OS_PROFILER__CONNECTION_STRING) and remote
// sources of options (config_source) are not read, because they belong to the service.
package osloconfig
