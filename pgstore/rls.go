package pgstore

// tenantSetting is the setting that the policies compare with.
const tenantSetting = "parley_scope.tenant"
