/** The library's styles that these pages use beside the shell's, then our own. */

import "element-plus/theme-chalk/base.css";
import "element-plus/theme-chalk/el-button.css";
import "element-plus/theme-chalk/el-checkbox.css";
import "element-plus/theme-chalk/el-date-picker.css";
import "element-plus/theme-chalk/el-date-picker-panel.css";
import "element-plus/theme-chalk/el-dialog.css";
import "element-plus/theme-chalk/el-input.css";
import "element-plus/theme-chalk/el-input-number.css";
import "element-plus/theme-chalk/el-message.css";
import "element-plus/theme-chalk/el-option.css";
import "element-plus/theme-chalk/el-overlay.css";
import "element-plus/theme-chalk/el-popper.css";
import "element-plus/theme-chalk/el-radio-button.css";
import "element-plus/theme-chalk/el-radio-group.css";
import "element-plus/theme-chalk/el-scrollbar.css";
import "element-plus/theme-chalk/el-select.css";
import "element-plus/theme-chalk/el-select-dropdown.css";
import "element-plus/theme-chalk/el-switch.css";
import "element-plus/theme-chalk/el-tag.css";
import "element-plus/theme-chalk/el-time-picker.css";
import "./styles/frame.css";
import "./styles/forms.css";
import "./styles/wall.css";
import "./styles/tickets.css";
import "./styles/hours.css";
import "./styles/knowledge.css";
